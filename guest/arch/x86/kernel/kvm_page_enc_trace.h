/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm_page_enc

#if !defined(_TRACE_KVM_PAGE_ENC_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_KVM_PAGE_ENC_H

#include <linux/kvm_para.h>
#include <linux/tracepoint.h>

TRACE_EVENT(kvm_page_enc_announce,
	    TP_PROTO(u64 gpa, u64 npages, unsigned long attrs, long ret),
	    TP_ARGS(gpa, npages, attrs, ret),

	    TP_STRUCT__entry(__field(u64, gpa)
			     __field(u64, npages)
			     __field(bool, private)
			     __field(long, ret)),

	    TP_fast_assign(__entry->gpa = gpa;
			   __entry->npages = npages;
			   __entry->private = attrs & KVM_MAP_GPA_RANGE_ENCRYPTED;
			   __entry->ret = ret;),

	    TP_printk("gpa 0x%llx npages %llu %s ret %ld",
		      __entry->gpa, __entry->npages,
		      __entry->private ? "private" : "shared", __entry->ret)
);

#endif /* _TRACE_KVM_PAGE_ENC_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE kvm_page_enc_trace
#include <trace/define_trace.h>
