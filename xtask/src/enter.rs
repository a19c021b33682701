//! Root directories made for a process 1, entered in a mount namespace.

/// Enters the root directory `$1`, in which directories of programs are the machine's, and becomes
/// the rest of the words there.
pub const SCRIPT: &str = "set -e
cd \"$1\"
shift
for dir in bin lib lib32 lib64 libx32 usr; do
    if [ -L /$dir ]; then
        [ -L $dir ] || cp -a /$dir $dir
    elif [ -d /$dir ]; then
        mkdir -p $dir
        mount --rbind /$dir $dir
    fi
done
mount --bind /dev/null dev/null
exec chroot . \"$@\"";
