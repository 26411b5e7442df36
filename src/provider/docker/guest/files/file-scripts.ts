// Shell scripts behind the file operations. They run in any POSIX shell with the tools of busybox or GNU. Every path is an
// argument that starts with `/`, so that no shell interprets it and no tool takes it for an option.

/** A draft, the file that receives incomplete content beside its destination, is named with this prefix and a UUID. */
export const draftPrefix = '.vm-api-'

/** Exit codes of the scripts. Other failures are described by a tool's own message on stderr. */
export const scriptExitCodes = {
  notAFile: 62,
  notADirectory: 63,
  denied: 64,
  exists: 65,
  impossible: 69,
  incomplete: 75,
} as const

// "exists PATH": follows links; if nothing exists, `stat` prints why.
const requirePath = 'exists() { stat -L -c %f "$1" >/dev/null || exit 1; }\n'
const requireDirectory = 'directory() { [ -d "$1" ] || { exists "$1"; exit 63; }; }\n'
const requireFile = 'file() { [ -f "$1" ] || { exists "$1"; exit 62; }; }\n'
const requireTool = (tool: string): string =>
  `command -v ${tool} >/dev/null || { echo "${tool} is missing" >&2; exit 69; }\n`

export const statScript = `stat -c "%f %s %Y" "$1" || exit 1
if [ -L "$1" ]; then readlink "$1"; fi`

// A name contains no "/", so a line that starts with one starts a record.
export const listScript = `${requirePath}${requireDirectory}directory "$1"
cd "$1" && [ -r . ] || exit 64
find . -mindepth 1 -maxdepth 1 -exec stat -c "/%f %s %Y %n" {} + 2>/dev/null
exit 0`

// Opens the file first, so that the entry describes the file that is read.
export const readScript = `${requirePath}${requireFile}file "$1"
[ -r "$1" ] || exit 64
exec 3< "$1" || exit 64
stat -L -c "%f %s %Y" /proc/self/fd/3 || exit 1
exec cat <&3`

// "spool FILE TOKEN": appends stdin to the file. The input is complete only if it ends with the token, which is then
// removed: a lost connection and a closed one look the same here.
const spoolFunction = `spool() {
  begin=$(stat -c %s "$1") && cat >> "$1" && end=$(stat -c %s "$1") || return 1
  end=$((end - \${#2}))
  [ "$end" -ge "$begin" ] && [ "$(tail -c \${#2} "$1" 2>/dev/null)" = "$2" ] || return 75
  dd if=/dev/null of="$1" bs=1 seek="$end" 2>/dev/null
}
`
const undoFunction = 'undo() { code=$?; rm -f "$draft"; exit "$code"; }\n'

// "tidy FOLDER": removes drafts that killed containers have left behind. No transfer takes a day, since a stalled one is
// aborted.
const tidyFunction = `tidy() {
  find "$1" -maxdepth 1 -type f -name '${draftPrefix}????????-????-????-????-????????????' -mmin +1440 -exec rm -f {} + 2>/dev/null
}
`

// PATH DRAFT TOKEN APPEND MODE
export const writeScript = `${requirePath}${requireDirectory}${requireFile}${spoolFunction}${undoFunction}${tidyFunction}path=$1 links=0
while [ -L "$path" ]; do
  [ "$links" -lt 40 ] || exit 1
  to=$(readlink "$path"; echo .) && to=\${to%??} links=$((links + 1))
  case $to in /*) path=$to ;; *) path=\${path%/*}/$to ;; esac
done
folder=\${path%/*}/
directory "$folder"
if [ -e "$path" ]; then
  file "$path"
  [ -w "$path" ] || exit 64
fi
tidy "$folder"
draft=$folder$2
( umask 077 && : > "$draft" ) || exit 1
if [ -n "$4" ] && [ -e "$path" ]; then cat "$path" > "$draft" || undo; fi
spool "$draft" "$3" || undo
mode=\${5:-644}
if [ -e "$path" ]; then
  mode=\${5:-$(stat -L -c %a "$path")}
  chown "$(stat -L -c %u:%g "$path")" "$draft" 2>/dev/null
fi
chmod "$mode" "$draft" && mv -f "$draft" "$path" || undo`

export const makeDirectoryScript = `if [ -d "$1" ]; then exit 0; fi
if [ -e "$1" ] || [ -L "$1" ]; then exit 65; fi
mkdir -p "$1"`

// FROM TO
export const moveScript = `${requirePath}${requireDirectory}stat -c %f "$1" >/dev/null || exit 1
folder=\${2%/*}/
directory "$folder"
if [ "$1" = "$2" ]; then exit 0; fi
if [ -e "$2" ] || [ -L "$2" ]; then
  if [ -d "$2" ] && [ ! -L "$2" ]; then exit 65; fi
  if [ -d "$1" ] && [ ! -L "$1" ]; then exit 65; fi
  if [ -d "$2" ]; then rm -f "$2" || exit 1; fi
fi
mv -f "$1" "$2"`

// PATH RECURSIVE
export const removeScript = `stat -c %f "$1" >/dev/null || exit 1
if [ -L "$1" ] || [ ! -d "$1" ]; then rm -f "$1"; elif [ -n "$2" ]; then rm -rf "$1"; else rmdir "$1"; fi`

export const packScript = `${requirePath}${requireTool('tar')}if [ -d "$1" ]; then
  cd "$1" && [ -r . ] || exit 64
  echo
  exec tar -cf - .
fi
exists "$1"
[ -f "$1" ] || exit 62
[ -r "$1" ] || exit 64
name=\${1##*/}
cd "\${1%/*}/" || exit 64
echo
exec tar -chf - -- "$name"`

// PATH DRAFT TOKEN. Stores the whole archive first and reads it through once before it unpacks anything.
export const unpackScript = `${requireTool('tar')}${spoolFunction}${undoFunction}${tidyFunction}if [ ! -d "$1" ]; then
  if [ -e "$1" ] || [ -L "$1" ]; then exit 63; fi
fi
folder=$1
while [ ! -d "$folder" ]; do
  if [ -e "$folder" ]; then exit 63; fi
  folder=\${folder%/*}
  folder=\${folder:-/}
done
if [ ! -w "$folder" ]; then
  if [ "$folder" != "$1" ]; then exit 64; fi
  folder=/tmp
fi
tidy "$folder/"
draft=$folder/$2
( umask 077 && : > "$draft" ) || exit 1
spool "$draft" "$3" || undo
tar -tf "$draft" >/dev/null || undo
mkdir -p "$1" && tar -xpof "$draft" -C "$1" || undo
rm -f "$draft"`
