#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# deb.sh DIR: makes DIR/encstat_VERSION_ARCH.deb of what "make install" installs.
set -eu

out=$(realpath "$1")
cd "$(dirname "$0")"
version=$(sed -n 's/^#define ENCSTAT_VERSION[^"]*"\(.*\)"/\1/p' encstat.h)
arch=$(dpkg --print-architecture)
# who builds it, as Debian's own tools have it, else who made the last commit
maintainer=${DEBEMAIL:+${DEBFULLNAME:-encstat} <$DEBEMAIL>}
maintainer=${maintainer:-$(git log -1 --format='%an <%ae>' 2>/dev/null || echo "encstat <root@$(hostname -f)>")}
date=$(date -R -u -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}")
tree=$out/deb
doc=$tree/usr/share/doc/encstat

changelog() {
	cat <<- END
		encstat ($version) unstable; urgency=medium

		  * Built from the source tree.

		 -- $maintainer  $date
	END
}

copyright() {
	cat <<- END
		Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
		Upstream-Name: encstat
		Source: tools/encstat of the page encryption status series

		Files: *
		Copyright: $(date -u -d "$date" +%Y) the authors of the page encryption status series
		License: GPL-2
		 On Debian systems the whole text of the GNU General Public License,
		 version 2, is in /usr/share/common-licenses/GPL-2.
	END
}

# The libraries that the program is linked with, by the packages they are in.
depends() {
	local tmp

	tmp=$(mktemp -d)
	mkdir "$tmp/debian"
	printf 'Source: encstat\n\nPackage: encstat\nArchitecture: any\n' > "$tmp/debian/control"
	(cd "$tmp" && dpkg-shlibdeps -O "$tree/usr/sbin/encstat" 2>/dev/null) |
		sed -n 's/^shlibs:Depends=//p'
	rm -r "$tmp"
}

control() {
	cat <<- END
		Package: encstat
		Version: $version
		Architecture: $arch
		Maintainer: $maintainer
		Installed-Size: $(du -sk "$tree/usr" | cut -f1)
		Depends: $(depends)
		Section: admin
		Priority: optional
		Homepage: https://www.linux-kvm.org/
		Description: page encryption status of virtual machines
		 Guests with encrypted memory keep most pages private and share some with
		 their host. encstat shows which are which, how fast that changes, whether
		 guest and host agree, and what is wrong if they do not.
	END
}

rm -rf "$tree"
# the flags that Debian builds with
make -s O="$out/debobj" CFLAGS="$(dpkg-buildflags --get CFLAGS)" \
	CPPFLAGS="$(dpkg-buildflags --get CPPFLAGS)" \
	LDFLAGS="$(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get LDFLAGS)" \
	DESTDIR="$tree" PREFIX=/usr install
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$tree/usr/sbin/encstat"
changelog | gzip -9n > "$doc/changelog.gz"
copyright > "$doc/copyright"
gzip -9nf "$tree/usr/share/man/man8/encstat.8"
mkdir "$tree/DEBIAN"
control > "$tree/DEBIAN/control"
(cd "$tree" && find usr -type f -exec md5sum {} +) > "$tree/DEBIAN/md5sums"
chmod -R u=rwX,go=rX "$tree"
dpkg-deb --root-owner-group -b "$tree" "$out/encstat_${version}_$arch.deb"
