# Leave what the real action leaves for a full sha: every branch of the origin, none here, and a detached HEAD.
set -euo pipefail
source=$FORK
if [ "$INTO" != caller ] && [ -n "${TOOL:-}" ]; then
  source=$TOOL
  REF=$(git -C "$TOOL" rev-parse HEAD)
fi
mkdir -p "$INTO"
cp --archive "$source/." "$INTO"
cd "$INTO"
[ -n "$REF" ] || exit 0
[[ $REF =~ ^[0-9a-f]{40}$ ]] || { echo "::error::ref must be a full sha here. Got $REF instead."; exit 1; }
! git remote get-url origin >/dev/null 2>&1 || git fetch --quiet origin # what a job before has pushed
git for-each-ref --format='update refs/remotes/origin/%(refname:short) %(objectname)' refs/heads | git update-ref --stdin
git checkout --quiet --detach "$REF"
git for-each-ref --format='delete %(refname)' refs/heads | git update-ref --stdin
