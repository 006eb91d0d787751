// SPDX-License-Identifier: GPL-2.0
/*
 * Exercise set_memory_decrypted() and set_memory_encrypted()
 *
 * This is for tests and measurements in encrypted guests.  Write options to the
 * debugfs file x86/mem_encrypt/exercise, in one line and separated by blanks.
 * The write returns when all is done:
 *
 *	threads=N	1 to 64, default 1; each has pages of its own
 *	size=BYTES	of a thread's pages, contiguous, 4K to 1G, default 2M
 *	chunk=BYTES	for each conversion, 4K to size, default size
 *	align=BYTES	the pages begin at an odd multiple of this power of two,
 *			4K to 1G; default: at a multiple of their size
 *	leaf=any|4k	4k: have the direct map split into pages of 4K before
 *	pattern=NAME	in which order chunks are converted, see below
 *	loops=N		default 1
 *	seconds=N	1 to 3600: as many loops as fit in; the last is cut off
 *	touch=0|1	default 1: write to pages when converted, and expect to
 *			find that when they are converted again
 *
 * A loop decrypts all chunks and encrypts them again:
 *
 *	sequential	ascending
 *	reverse		descending
 *	alternate	every other chunk, then those in between
 *	random		as many chunks as there are, chosen at random and turned
 *			from what they are to the other; encrypted at the end
 *	again		as sequential, but the second page of each decrypted
 *			chunk is decrypted once more
 *	pfn0		the page at physical address 0, which the kernel never
 *			uses, and only that
 *
 * Errors: -EINVAL for options that are wrong or don't fit each other, -ENOMEM,
 * -EBUSY while another write is not done, -EINTR when killed.  A failed
 * conversion is no error but a result.  Its pages are leaked, as they may be
 * shared.
 *
 * The file then has the results of the last run, see show_results().
 */

#define pr_fmt(fmt) "mem_encrypt_exercise: " fmt

#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/parser.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/set_memory.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mm_internal.h"

enum pattern {
	SEQUENTIAL,
	REVERSE,
	ALTERNATE,
	RANDOM,
	AGAIN,
	PFN0,
};

static const char * const pattern_names[] = {
	[SEQUENTIAL]	= "sequential",
	[REVERSE]	= "reverse",
	[ALTERNATE]	= "alternate",
	[RANDOM]	= "random",
	[AGAIN]		= "again",
	[PFN0]		= "pfn0",
};

struct options {
	unsigned long threads;
	unsigned long size;
	unsigned long chunk;
	unsigned long align;
	unsigned long loops;
	unsigned long seconds;
	enum pattern pattern;
	bool split;
	bool touch;
};

struct results {
	u64 conversions;
	u64 pages;
	u64 failed;
	u64 leaked_pages;
	u64 corrupted;
	u64 ns_total;	/* of the whole run */
	u64 ns_max;	/* of the longest conversion */
	int err;	/* of the first conversion that failed */
};

struct chunk {
	bool decrypted;
	bool leaked;
	u32 stamp;	/* what is in its pages, 0: unknown */
};

struct worker {
	const struct options *opt;
	struct task_struct *task;
	struct completion done;
	struct results res;
	struct chunk *chunks;
	unsigned long nr_chunks;
	unsigned long block;	/* what was allocated */
	unsigned long block_pages;
	unsigned long start;	/* the part of it that is converted */
	u64 deadline;
	u32 stamp;
};

static DEFINE_MUTEX(run_lock);
static struct results last_results;
static bool stop;

static bool out_of_time(const struct worker *w)
{
	return READ_ONCE(stop) || (w->opt->seconds && ktime_get_ns() > w->deadline);
}

/*
 * Conversions
 */
static unsigned long chunk_addr(const struct worker *w, unsigned long i)
{
	return w->start + i * w->opt->chunk;
}

static unsigned long chunk_pages(const struct worker *w, unsigned long i)
{
	return min(w->opt->chunk, w->opt->size - i * w->opt->chunk) >> PAGE_SHIFT;
}

static int set_memory(struct worker *w, unsigned long addr,
		      unsigned long npages, bool decrypt)
{
	u64 begin = ktime_get_ns();
	int err;

	if (decrypt)
		err = set_memory_decrypted(addr, npages);
	else
		err = set_memory_encrypted(addr, npages);

	w->res.ns_max = max(w->res.ns_max, ktime_get_ns() - begin);
	w->res.conversions++;
	if (err) {
		w->res.failed++;
		w->res.err = w->res.err ?: err;
	} else {
		w->res.pages += npages;
	}
	cond_resched();

	return err;
}

static void write_stamps(struct worker *w, unsigned long i)
{
	u32 *page = (u32 *)chunk_addr(w, i);
	unsigned long n;

	if (!w->opt->touch)
		return;

	w->chunks[i].stamp = ++w->stamp ?: ++w->stamp;
	for (n = 0; n < chunk_pages(w, i); n++, page += PAGE_SIZE / sizeof(*page))
		WRITE_ONCE(*page, w->chunks[i].stamp + n);
}

static void check_stamps(struct worker *w, unsigned long i)
{
	u32 *page = (u32 *)chunk_addr(w, i);
	unsigned long n;

	if (!w->chunks[i].stamp)
		return;

	for (n = 0; n < chunk_pages(w, i); n++, page += PAGE_SIZE / sizeof(*page))
		w->res.corrupted += READ_ONCE(*page) != w->chunks[i].stamp + (u32)n;
}

static void convert(struct worker *w, unsigned long i, bool decrypt)
{
	struct chunk *chunk = &w->chunks[i];

	if (chunk->leaked || chunk->decrypted == decrypt)
		return;

	check_stamps(w, i);
	if (set_memory(w, chunk_addr(w, i), chunk_pages(w, i), decrypt)) {
		chunk->leaked = true;
		w->res.leaked_pages += chunk_pages(w, i);
		return;
	}
	chunk->decrypted = decrypt;
	write_stamps(w, i);
}

/* Every @step'th chunk from @first on, or from the last on */
static void convert_all(struct worker *w, unsigned long first,
			unsigned long step, bool decrypt)
{
	bool reverse = w->opt->pattern == REVERSE;
	unsigned long i;

	for (i = first; i < w->nr_chunks && !out_of_time(w); i += step)
		convert(w, reverse ? w->nr_chunks - 1 - i : i, decrypt);
}

static void convert_random(struct worker *w)
{
	unsigned long i, n;

	for (n = 0; n < w->nr_chunks && !out_of_time(w); n++) {
		i = get_random_u32_below(w->nr_chunks);
		convert(w, i, !w->chunks[i].decrypted);
	}
}

static void convert_again(struct worker *w)
{
	unsigned long i;

	for (i = 0; i < w->nr_chunks && !out_of_time(w); i++) {
		if (!w->chunks[i].leaked && chunk_pages(w, i) > 1)
			set_memory(w, chunk_addr(w, i) + PAGE_SIZE, 1, true);
	}
}

static void one_loop(struct worker *w)
{
	switch (w->opt->pattern) {
	case SEQUENTIAL:
	case REVERSE:
	case PFN0:
		convert_all(w, 0, 1, true);
		convert_all(w, 0, 1, false);
		break;
	case ALTERNATE:
		convert_all(w, 0, 2, true);
		convert_all(w, 1, 2, true);
		convert_all(w, 0, 2, false);
		convert_all(w, 1, 2, false);
		break;
	case RANDOM:
		convert_random(w);
		break;
	case AGAIN:
		convert_all(w, 0, 1, true);
		convert_again(w);
		convert_all(w, 0, 1, false);
		break;
	}
}

/* Nothing is left to convert, e.g. because the kernel refuses all conversions. */
static bool all_leaked(const struct worker *w)
{
	return w->res.leaked_pages == w->opt->size >> PAGE_SHIFT;
}

static bool another_loop(const struct worker *w, unsigned long loops)
{
	return !all_leaked(w) && !out_of_time(w) &&
	       (w->opt->seconds || loops < w->opt->loops);
}

static void encrypt_the_rest(struct worker *w)
{
	unsigned long i;

	for (i = 0; i < w->nr_chunks; i++)
		convert(w, i, false);
}

static int work(void *arg)
{
	struct worker *w = arg;
	unsigned long loops;

	w->deadline = ktime_get_ns() + w->opt->seconds * NSEC_PER_SEC;
	for (loops = 0; another_loop(w, loops); loops++) {
		one_loop(w);
		cond_resched();
	}
	encrypt_the_rest(w);
	complete(&w->done);

	return 0;
}

/*
 * Memory
 */
#ifdef CONFIG_CONTIG_ALLOC
static unsigned long alloc_huge_block(unsigned long npages)
{
	struct page *page = alloc_contig_pages(npages, GFP_KERNEL | __GFP_NOWARN,
					       first_online_node, NULL);

	return page ? (unsigned long)page_address(page) : 0;
}
#else
static unsigned long alloc_huge_block(unsigned long npages)
{
	return 0;
}
#endif

/* @npages is a power of two, and the block is aligned to its own size. */
static unsigned long alloc_block(unsigned long npages)
{
	if (npages > MAX_ORDER_NR_PAGES)
		return alloc_huge_block(npages);

	return (unsigned long)alloc_pages_exact(npages << PAGE_SHIFT,
						GFP_KERNEL | __GFP_NOWARN);
}

/* A block may be freed page by page however it was allocated. */
static void free_block(struct worker *w)
{
	unsigned long n, addr;

	for (n = 0; n < w->block_pages; n++) {
		addr = w->block + (n << PAGE_SHIFT);
		if (addr >= w->start && addr < w->start + w->opt->size &&
		    w->chunks[(addr - w->start) / w->opt->chunk].leaked)
			continue;
		__free_page(virt_to_page((void *)addr));
	}
}

static int alloc_memory(struct worker *w)
{
	const struct options *opt = w->opt;

	w->nr_chunks = DIV_ROUND_UP(opt->size, opt->chunk);
	w->chunks = kvcalloc(w->nr_chunks, sizeof(*w->chunks), GFP_KERNEL);
	if (!w->chunks)
		return -ENOMEM;

	if (opt->pattern == PFN0) {
		w->start = (unsigned long)__va(0);
		return 0;
	}

	w->block_pages = roundup_pow_of_two(opt->size + opt->align) >> PAGE_SHIFT;
	w->block = alloc_block(w->block_pages);
	if (!w->block) {
		w->block_pages = 0;
		return -ENOMEM;
	}
	w->start = w->block + opt->align;

	return 0;
}

/* Convert one page of each larger leaf, which splits the leaf. */
static void split_leaves(struct worker *w)
{
	unsigned long addr, next;

	for (addr = w->start; addr < w->start + w->opt->size; addr = next) {
		next = ALIGN_DOWN(addr, SZ_2M) + SZ_2M;
		if (!set_memory_decrypted(addr, 1) && !set_memory_encrypted(addr, 1))
			continue;
		w->chunks[(addr - w->start) / w->opt->chunk].leaked = true;
	}
}

static int init_worker(struct worker *w, const struct options *opt)
{
	int err;

	w->opt = opt;
	init_completion(&w->done);
	err = alloc_memory(w);
	if (err)
		return err;

	if (opt->split)
		split_leaves(w);

	w->task = kthread_create(work, w, "mem_encrypt_ex");
	if (IS_ERR(w->task)) {
		err = PTR_ERR(w->task);
		w->task = NULL;
		return err;
	}
	get_task_struct(w->task);

	return 0;
}

static void free_workers(struct worker *workers, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		if (workers[i].task)
			kthread_stop_put(workers[i].task);
		if (workers[i].block)
			free_block(&workers[i]);
		kvfree(workers[i].chunks);
	}
	kvfree(workers);
}

/*
 * A run
 */
static void add_results(struct results *sum, const struct results *res)
{
	sum->conversions += res->conversions;
	sum->pages += res->pages;
	sum->failed += res->failed;
	sum->leaked_pages += res->leaked_pages;
	sum->corrupted += res->corrupted;
	sum->ns_max = max(sum->ns_max, res->ns_max);
	sum->err = sum->err ?: res->err;
}

static int run_workers(struct worker *workers, unsigned long nr,
		       struct results *sum)
{
	u64 begin = ktime_get_ns();
	unsigned long i;
	int err = 0;

	for (i = 0; i < nr; i++)
		wake_up_process(workers[i].task);
	for (i = 0; i < nr; i++) {
		if (wait_for_completion_killable(&workers[i].done)) {
			WRITE_ONCE(stop, true);
			wait_for_completion(&workers[i].done);
			err = -EINTR;
		}
		add_results(sum, &workers[i].res);
	}
	sum->ns_total = ktime_get_ns() - begin;

	return err;
}

static int run(const struct options *opt, struct results *sum)
{
	struct worker *workers;
	unsigned long i;
	int err = 0;

	workers = kvcalloc(opt->threads, sizeof(*workers), GFP_KERNEL);
	if (!workers)
		return -ENOMEM;

	WRITE_ONCE(stop, false);
	for (i = 0; i < opt->threads && !err; i++)
		err = init_worker(&workers[i], opt);
	if (!err)
		err = run_workers(workers, opt->threads, sum);
	free_workers(workers, opt->threads);

	return err;
}

/*
 * Options
 */
enum {
	OPT_THREADS,
	OPT_SIZE,
	OPT_CHUNK,
	OPT_ALIGN,
	OPT_LEAF_ANY,
	OPT_LEAF_4K,
	OPT_PATTERN,
	OPT_LOOPS,
	OPT_SECONDS,
	OPT_TOUCH,
	OPT_WRONG,
};

static const match_table_t option_table = {
	{ OPT_THREADS,	"threads=%s" },
	{ OPT_SIZE,	"size=%s" },
	{ OPT_CHUNK,	"chunk=%s" },
	{ OPT_ALIGN,	"align=%s" },
	{ OPT_LEAF_ANY,	"leaf=any" },
	{ OPT_LEAF_4K,	"leaf=4k" },
	{ OPT_PATTERN,	"pattern=%s" },
	{ OPT_LOOPS,	"loops=%s" },
	{ OPT_SECONDS,	"seconds=%s" },
	{ OPT_TOUCH,	"touch=%s" },
	{ OPT_WRONG,	NULL },
};

/* A number with an optional K, M or G, from @min to @max */
static int parse_number(const char *text, unsigned long min, unsigned long max,
			unsigned long *value)
{
	char *end;

	*value = memparse(text, &end);
	if (end == text || *end || *value < min || *value > max)
		return -EINVAL;
	return 0;
}

static int parse_size(const char *text, unsigned long *value)
{
	return parse_number(text, PAGE_SIZE, SZ_1G, value) ?:
	       (*value % PAGE_SIZE ? -EINVAL : 0);
}

static int parse_option(struct options *opt, char *text)
{
	substring_t args[MAX_OPT_ARGS];
	int token = match_token(text, option_table, args);
	unsigned long flag;
	int err;

	switch (token) {
	case OPT_THREADS:
		return parse_number(args[0].from, 1, 64, &opt->threads);
	case OPT_SIZE:
		return parse_size(args[0].from, &opt->size);
	case OPT_CHUNK:
		return parse_size(args[0].from, &opt->chunk);
	case OPT_ALIGN:
		return parse_size(args[0].from, &opt->align) ?:
		       (is_power_of_2(opt->align) ? 0 : -EINVAL);
	case OPT_LEAF_ANY:
	case OPT_LEAF_4K:
		opt->split = token == OPT_LEAF_4K;
		return 0;
	case OPT_PATTERN:
		err = match_string(pattern_names, ARRAY_SIZE(pattern_names), args[0].from);
		if (err < 0)
			return -EINVAL;
		opt->pattern = err;
		return 0;
	case OPT_LOOPS:
		return parse_number(args[0].from, 1, UINT_MAX, &opt->loops);
	case OPT_SECONDS:
		return parse_number(args[0].from, 1, 3600, &opt->seconds);
	case OPT_TOUCH:
		err = parse_number(args[0].from, 0, 1, &flag);
		opt->touch = flag;
		return err;
	default:
		return -EINVAL;
	}
}

static int complete_options(struct options *opt)
{
	if (opt->pattern == PFN0) {
		/* The page isn't ours: write nothing there.  One thread will do. */
		opt->size = PAGE_SIZE;
		opt->threads = 1;
		opt->align = 0;
		opt->split = false;
		opt->touch = false;
	}
	if (!opt->chunk)
		opt->chunk = opt->size;
	if (opt->chunk > opt->size) {
		pr_err("chunk= is larger than size=\n");
		return -EINVAL;
	}
	return 0;
}

static int parse_options(struct options *opt, char *text)
{
	char *word;

	while ((word = strsep(&text, " \t\n"))) {
		if (!*word)
			continue;
		if (parse_option(opt, word)) {
			pr_err("'%s': no such option, or out of range\n", word);
			return -EINVAL;
		}
	}
	return complete_options(opt);
}

/*
 * The file
 */
static ssize_t exercise_write(struct file *file, const char __user *buf,
			      size_t count, loff_t *ppos)
{
	struct options opt = {
		.threads = 1, .size = SZ_2M, .loops = 1, .touch = true,
	};
	struct results res = {};
	char *text;
	int err;

	if (count > PAGE_SIZE)
		return -EINVAL;
	text = memdup_user_nul(buf, count);
	if (IS_ERR(text))
		return PTR_ERR(text);

	err = parse_options(&opt, text);
	kfree(text);
	if (err)
		return err;

	if (!mutex_trylock(&run_lock))
		return -EBUSY;
	err = run(&opt, &res);
	if (!err || err == -EINTR)
		last_results = res;
	mutex_unlock(&run_lock);

	return err ?: count;
}

static int show_results(struct seq_file *m, void *unused)
{
	const struct results *res = &last_results;

	seq_printf(m, "conversions %llu\n", res->conversions);
	seq_printf(m, "pages %llu\n", res->pages);
	seq_printf(m, "failed %llu\n", res->failed);
	seq_printf(m, "errno %d\n", res->err);
	seq_printf(m, "leaked_pages %llu\n", res->leaked_pages);
	seq_printf(m, "corrupted %llu\n", res->corrupted);
	seq_printf(m, "ns_total %llu\n", res->ns_total);
	seq_printf(m, "ns_max %llu\n", res->ns_max);

	return 0;
}

static int exercise_open(struct inode *inode, struct file *file)
{
	return single_open(file, show_results, NULL);
}

static const struct file_operations exercise_fops = {
	.owner		= THIS_MODULE,
	.open		= exercise_open,
	.read		= seq_read,
	.write		= exercise_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static int __init mem_encrypt_exercise_init(void)
{
	if (mem_encrypt_debugfs_dir)
		debugfs_create_file("exercise", 0600, mem_encrypt_debugfs_dir,
				    NULL, &exercise_fops);
	return 0;
}
late_initcall(mem_encrypt_exercise_init);
