#!/bin/sh
# Fetches the portal's front-end parts from npm into static/vendor/, cut to what is used, and writes VENDOR.md.
# Run it to raise a version (change the pins below), look at the pages, commit the result. Needs npm and sha256sum.
set -eu
cd "$(dirname "$0")/.."

TABLER=1.6.1
HTMX=2.0.11
ICONS=3.51.0
INTER=5.3.0

ICON_NAMES="activity alert-circle alert-triangle arrow-back-up arrow-narrow-down arrow-narrow-right arrow-left arrows-exchange
briefcase building-bank calendar chart-bar check checks chevron-down chevron-left chevron-right circle-check circle-dashed clock
clock-hour-4 coins download external-link eye file-invoice help-circle home key link logout mail menu-2 message-question
pencil phone plug-connected plug-connected-x plus receipt refresh search send settings shield-lock trash trophy user users
world x player-pause hourglass cash filter lock topology-star-3 eye-off"

target=static/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch() { # package version → $work/<name>/package
    mkdir -p "$work/$3"
    (cd "$work" && npm pack --silent "$1@$2" >"$work/$3.name" 2>/dev/null)
    tar xzf "$work/$(tail -n 1 "$work/$3.name")" -C "$work/$3"
}

fetch @tabler/core "$TABLER" tabler
fetch htmx.org "$HTMX" htmx
fetch @tabler/icons "$ICONS" icons
fetch @fontsource-variable/inter "$INTER" inter

rm -rf "$target"
mkdir -p "$target/tabler" "$target/htmx" "$target/icons" "$target/inter"

# A sourceMappingURL that points to no file makes collectstatic fail.
strip() { sed -e 's@/\*# sourceMappingURL=[^*]*\*/@@g' -e 's@//# sourceMappingURL=.*$@@' "$1" >"$2"; }
strip "$work/tabler/package/dist/css/tabler.min.css" "$target/tabler/tabler.min.css"
strip "$work/htmx/package/dist/htmx.min.js" "$target/htmx/htmx.min.js"
cp "$work/htmx/package/LICENSE" "$target/htmx/LICENSE"
cp "$work/icons/package/LICENSE" "$target/icons/LICENSE"
cp "$work/inter/package/LICENSE" "$target/inter/LICENSE"
cp "$work/inter/package/files/inter-latin-wght-normal.woff2" "$work/inter/package/files/inter-latin-ext-wght-normal.woff2" "$target/inter/"
# Tabler's package carries its licence only as the notice at the head of the file; the licence text is that of @tabler/icons.
sed 's/^Copyright (c).*/Copyright (c) 2018-2026 The Tabler Authors, codecalm.net Paweł Kuna/' "$target/icons/LICENSE" >"$target/tabler/LICENSE"

{
    printf '<svg xmlns="http://www.w3.org/2000/svg">\n'
    for name in $ICON_NAMES; do
        file="$work/icons/package/icons/outline/$name.svg"
        [ -f "$file" ] || { echo "no icon named $name in @tabler/icons $ICONS" >&2; exit 1; }
        printf '<symbol id="%s" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">' "$name"
        sed -e '/<path stroke="none"/d' "$file" | grep '^  <' | sed -e 's/^  //' | tr -d '\n'
        printf '</symbol>\n'
    done
    printf '</svg>\n'
} >"$target/icons/icons.svg"

{
    echo "# Front-end parts taken from elsewhere"
    echo
    echo "Written by \`tools/vendor.sh\`; do not edit by hand. Source maps are stripped, the icons are cut to those in use."
    echo
    echo "| part | version | licence | from |"
    echo "| --- | --- | --- | --- |"
    echo "| Tabler | $TABLER | MIT (tabler/LICENSE) | npm @tabler/core |"
    echo "| htmx | $HTMX | 0BSD (htmx/LICENSE) | npm htmx.org |"
    echo "| Tabler Icons | $ICONS | MIT (icons/LICENSE) | npm @tabler/icons |"
    echo "| Inter (variable, Latin and Latin extended) | $INTER | OFL-1.1 (inter/LICENSE) | npm @fontsource-variable/inter |"
    echo
    echo "| file | sha256 |"
    echo "| --- | --- |"
    (cd "$target" && find . -type f ! -name VENDOR.md | LC_ALL=C sort | while read -r file; do
        printf '| %s | `%s` |\n' "${file#./}" "$(sha256sum "$file" | cut -d' ' -f1)"
    done)
} >"$work/VENDOR.md"
mv "$work/VENDOR.md" "$target/VENDOR.md"
chmod 644 "$target/VENDOR.md"
du -sh "$target"
