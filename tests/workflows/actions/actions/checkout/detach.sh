# Leave what the real action leaves for a full sha: every branch of the origin, none here, and a detached HEAD.
set -euo pipefail
[[ $REF =~ ^[0-9a-f]{40}$ ]] || { echo "::error::ref must be a full sha here. Got $REF instead."; exit 1; }
git for-each-ref --format='update refs/remotes/origin/%(refname:short) %(objectname)' refs/heads | git update-ref --stdin
git checkout --quiet --detach "$REF"
git for-each-ref --format='delete %(refname)' refs/heads | git update-ref --stdin
