#!/usr/bin/env bash
# Make sure a container engine and the tools around it are here: Docker with BuildKit, skopeo, Trivy.
#
# What is present is used as it is. On Debian and Ubuntu, as root, what is missing is installed from
# the distribution's packages; anywhere else the message says what to install.
# Usage: ship/engine.sh [together] PART…, where a PART is one of the words at the end of this file.
set -euo pipefail

trivy_module=github.com/aquasecurity/trivy@v0.72.0
trivy_image=aquasec/trivy:0.75.0@sha256:af6acf9a6b85dfe389a1941505c0ce9efef52a4719635e1a962f022a3d855daa
actionlint_module=github.com/rhysd/actionlint@v1.7.12
versitygw_module=github.com/versity/versitygw@v1.8.0
# cosign as its makers publish it, by the hashes of that release.
cosign_release=https://github.com/sigstore/cosign/releases/download/v3.0.6/cosign-linux
cosign_amd64=c956e5dfcac53d52bcf058360d579472f0c1d2d9b69f55209e256fe7783f4c74
cosign_arm64=bedac92e8c3729864e13d4a17048007cfafa79d5deca993a43a90ffe018ef2b8
gcs_module=github.com/fsouza/fake-gcs-server@v1.56.1
actionlint_image=rhysd/actionlint:1.7.12@sha256:b1934ee5f1c509618f2508e6eb47ee0d3520686341fec936f3b79331f9315667

say() { printf '%s\n' "engine: $*"; }
fail() { printf '%s\n' "engine: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Succeeds where packages can be installed without asking anybody: by root, and on a CI runner.
can_install() { have apt-get && { [ "$(id -u)" = 0 ] || { [ -n "${CI:-}" ] && sudo -n true; }; }; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# apt refuses to run twice at once, so parts that run side by side take turns. It gets a session of its
# own, so that stopping a part does not kill a package manager in the middle of an installation.
apt() {
  progress "apt-get $1" true as_root setsid --wait flock /var/lock/model-images-apt \
    env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get -qq "$@" >/dev/null
}

# progress STEP HOW_FAR COMMAND…: run a command; every ten seconds, say that the step goes on, for how
# long, and what HOW_FAR prints.
progress() {
  local step=$1 how_far=$2 ticker status=0 began=$SECONDS
  shift 2
  while sleep 10 >&- 2>&-; do say "$step: $((SECONDS - began)) s $($how_far)"; done >&2 &
  ticker=$!
  disown "$ticker" # so that bash does not report that it was killed
  "$@" || status=$?
  kill "$ticker"
  return "$status"
}

# together PART…: run parts side by side, and wait for them in the order given. The first that is found to
# have failed stops the others, and all that those have started.
together() {
  local part pid pids=
  set -m # a process group for each
  trap 'for pid in $(jobs -p); do kill -- "-$pid"; done 2>/dev/null' EXIT
  for part in "$@"; do
    "$0" "$part" </dev/null &
    pids="$pids $!"
  done
  for pid in $pids; do wait "$pid" || exit 1; done # `wait -n` is newer than the bash of macOS
}

# apt_install PACKAGE…: install what is missing.
apt_install() {
  refresh_packages
  apt install -y --no-install-recommends "$@"
}

# Fetch the package lists, unless this was done within the hour: apt removes the mark with the lists.
refresh_packages() {
  local fetched=/var/lib/apt/lists/model-images-fetched
  [ -z "$(find "$fetched" -mmin -60 2>/dev/null)" ] || return 0
  apt update
  offer_newer
  as_root touch "$fetched"
}

# Debian 12's Docker predates the containerd image store: offer Debian 13's packages beside it, at a
# priority that installs only what is asked for by name.
offer_newer() {
  # shellcheck source=/dev/null
  [ "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" = bookworm ] || return 0
  local mirror
  mirror=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 'Codename: bookworm' |
    head -n 1)
  [ -n "$mirror" ] || fail "apt's sources must name a Debian mirror for bookworm. Got none; add one."
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" \
    >/etc/apt/sources.list.d/model-images-trixie.list
  printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' \
    >/etc/apt/preferences.d/model-images-trixie
  apt update
}

# newer PACKAGE…: name each package so that apt takes Debian 13's on Debian 12.
newer() {
  local suffix=
  [ ! -e /etc/apt/sources.list.d/model-images-trixie.list ] || suffix=/trixie
  printf "%s$suffix\n" "$@"
}

engine_answers() { docker info >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }

install_engine() {
  can_install || fail "no Docker engine with buildx answers. Install and start Docker 25 or later" \
    "(Docker Desktop, or docker.io and docker-buildx), then run this again."
  say "no Docker engine answers: installing the distribution's docker.io and buildx"
  refresh_packages
  # shellcheck disable=SC2046  # one word per package is the point
  apt_install $(newer docker.io docker-cli containerd docker-buildx) iptables runc ca-certificates skopeo
}

start_engine() {
  if [ ! -e /etc/docker/daemon.json ]; then
    mkdir -p /etc/docker
    echo '{"features":{"containerd-snapshotter":true}}' >/etc/docker/daemon.json
  fi
  say "starting the Docker engine with the containerd image store"
  if [ -d /run/systemd/system ]; then systemctl restart docker; else start_daemon; fi
  # On a busy disk containerd needs longer than the 15 seconds that dockerd gives it, and dockerd ends.
  # systemd starts it again; so does this, where there is no systemd.
  for second in $(seq 180); do
    ! engine_answers || return 0
    [ $((second % 10)) -ne 0 ] || say "waiting for the Docker engine: $second s"
    if [ ! -d /run/systemd/system ] && [ -z "$(jobs -r)" ]; then
      say "dockerd ended ($(tail -n 1 /var/log/dockerd.log)): starting it again"
      start_daemon
    fi
    sleep 1
  done
  fail "the Docker engine did not answer within 3 minutes; see /var/log/dockerd.log or journalctl -u docker."
}

start_daemon() {
  rm -f /var/run/docker.pid
  setsid nohup dockerd >>/var/log/dockerd.log 2>&1 </dev/null &
}

# Docker's classic image store cannot export OCI archives; BuildKit in a container can.
use_builder() {
  if docker info --format '{{json .DriverStatus}}' | grep -q io.containerd.snapshotter; then return; fi
  docker buildx inspect model-images >/dev/null 2>&1 && return
  say "the engine uses the classic image store: building in a BuildKit container instead"
  docker buildx create --name model-images --driver docker-container \
    --driver-opt image=moby/buildkit:v0.33.1@sha256:cec9f139f45e93c5c69c60f8b07cfad9f43f4ef6b6a6cd917527fea5ff2e3dea \
    >/dev/null
}

engine() {
  if ! engine_answers; then
    { have dockerd && docker buildx version >/dev/null 2>&1; } || install_engine
    [ "$(id -u)" = 0 ] || fail "the Docker engine is installed but does not answer you: start it," \
      "or join its group (sudo usermod -aG docker \"\$USER\") and log in again."
    start_engine
  fi
  use_builder
  package skopeo
}

# Debian splits the modules that make virtual environments from Python itself.
python() {
  if python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then return; fi
  can_install || fail "python3 must be Python 3.11 or later with venv. Install it, then run this again."
  say "installing python3 with venv"
  apt_install python3 python3-venv git
}

# LightGBM's wheel has no OpenMP of its own; a compiler brings it, and so most machines have it.
openmp() {
  if ! can_install || PATH="$PATH:/usr/sbin" ldconfig -p | grep -F libgomp.so.1 >/dev/null; then return; fi
  say "installing libgomp1"
  refresh_packages
  apt_install libgomp1
}

# environment KIND…: make .venv from the requirements-KIND.txt of the first KIND, unless .venv was made
# from that of a later KIND, which includes the first.
environment() {
  local kind
  for kind in "$@"; do
    ! cmp -s "requirements-$kind.txt" .venv/installed.txt || return 0
  done
  python
  python3 -m ship.host.environment "requirements-$1.txt"
}

# package COMMAND [newer] [PACKAGE]: have a command that Debian packages, by its own name or another.
package() {
  if have "$1"; then return; fi
  can_install || fail "$1 must be on the PATH. Install it with your package manager, then run this again."
  say "installing $1"
  refresh_packages
  apt_install "$("${2:-echo}" "${3:-$1}")"
}

# Debian's nginx is in no path of a user's, and starts to serve port 80, which nobody asked for.
router() {
  if PATH="$PATH:/usr/sbin" have nginx; then return; fi
  package nginx
  if [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ]; then systemctl disable --now nginx; fi
}

# Debian's PostgreSQL is in no path of a user's, and makes and starts a database, which nobody asked for.
postgresql() {
  if have postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then return; fi
  if can_install; then
    as_root mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' |
      as_root tee /etc/postgresql-common/createcluster.d/model-images.conf >/dev/null
  fi
  package postgres echo postgresql
}

debian_go=/usr/lib/go-1.24/bin/go
have_go() {
  if have go || [ -x "$debian_go" ]; then return; fi
  can_install || fail "go must be on the PATH. Install it, then run this again."
  say "installing Go"
  apt_install golang-1.24-go
}

# go_tool NAME MODULE@VERSION [PACKAGE]: build a Go tool, such as one whose image cannot be pulled. A
# throw-away module pins the version, and Go checks every dependency against its checksum database.
go_tool() {
  local go
  have_go
  go=$(command -v go || echo "$debian_go")
  say "building $1 from ${2##*@} of its Go module (once; some minutes)"
  work=$(mktemp -d)
  progress "building $1" packages_built go_build "$@" ||
    fail "building $1 failed; install it by hand and put it on the PATH. $(tail -n 5 "$work/log")"
  rm -rf "$work"
}

# Print how many packages have been compiled, of how many; each has a line in the log, without blanks.
packages_built() {
  [ ! -s "$work/packages" ] || echo "$(grep -c '^[^ ]*$' "$work/log") of $(wc -l <"$work/packages") packages"
}

go_build() {
  # Code without inlining takes a third less time to compile, and runs hardly slower; a compiler that collects
  # its garbage half as often saves some more.
  local package="${3:-${2%@*}/cmd/$1}" flags="-s -w -X=${2%@*}/pkg/version/app.ver=${2##*@v}"
  # An older Go fetches the newer one as a module, but only while it sees no experiment it does not know.
  (cd "$work" && "$go" mod init tools 2>/dev/null && "$go" mod edit -go=1.26.3 -require="$2" &&
    go=$(GOTOOLCHAIN=auto "$go" env GOROOT)/bin/go && export GOEXPERIMENT=jsonv2 GOGC=200 &&
    "$go" list -mod=mod -deps "$package" >"$work/packages" 2>"$work/log" &&
    "$go" build -v -mod=mod -trimpath -gcflags="all=-dwarf=false -l" -ldflags="$flags" \
      -o "$tools/.$1-$$" "$package" 2>"$work/log" &&
    mv "$tools/.$1-$$" "$tools/$1")
}

pull() { docker pull --quiet "$1" >/dev/null 2>&1; }

# container_tool NAME IMAGE: a wrapper that runs the pinned image, where it can be pulled.
container_tool() {
  progress "pulling $2" true pull "$2" || return 1
  say "using $1 from its pinned image"
  cat >"$tools/$1" <<EOF
#!/bin/sh
# Runs $1 from its pinned image on this folder, with the settings and the cache of this machine.
exec docker run --rm --network=host --user "\$(id -u):\$(id -g)" --env HOME=/tmp \\
  --env TRIVY_DB_REPOSITORY --env TRIVY_CACHE_DIR \\
  --volume "\$PWD:\$PWD" --workdir "\$PWD" --volume $(printf %q "$tools/cache"):/tmp/.cache $2 "\$@"
EOF
  mkdir -p "$tools/cache"
  chmod +x "$tools/$1"
}

# released NAME ADDRESS SHA256: download a program, if it can be had; end where it is another than was pinned.
released() {
  have curl || return 1
  mkdir -p "$tools"
  progress "fetching $1" true curl --fail --silent --location --proto =https --connect-timeout 10 --max-time 300 \
    --output "$tools/.$1-$$" "$2" || return 1
  [ "$(sha256sum "$tools/.$1-$$")" = "$3  $tools/.$1-$$" ] ||
    fail "$2 must have the sha256 $3. It has another; remove $tools/.$1-$$, and report it."
  chmod +x "$tools/.$1-$$"
  mv "$tools/.$1-$$" "$tools/$1"
  say "using $1 as its makers publish it"
}

# What cosign 3 signs, Debian's 2.5 does not verify. (A function named cosign would count as the program.)
signer() {
  if PATH="$tools:$PATH" have cosign; then return; fi
  case $(uname -sm) in
    "Linux x86_64") released cosign "$cosign_release-amd64" "$cosign_amd64" && return ;;
    "Linux aarch64") released cosign "$cosign_release-arm64" "$cosign_arm64" && return ;;
  esac
  package cosign newer
}

# built NAME MODULE@VERSION [PACKAGE]: have a Go tool that only tests need, built here.
built() {
  if PATH="$tools:$PATH" have "$1"; then return; fi
  mkdir -p "$tools"
  go_tool "$@"
}

tool() {
  if PATH="$tools:$PATH" have "$1"; then return; fi
  mkdir -p "$tools"
  container_tool "$1" "$3" || go_tool "$1" "$2"
}

tools=${XDG_CACHE_HOME:-$HOME/.cache}/model-images/bin
if [ "${1:-}" = together ]; then
  together "${@:2}"
  exit
fi
for part in "${@:-engine}"; do
  case $part in
    engine) engine ;;
    trivy) tool trivy "$trivy_module" "$trivy_image" ;;
    actionlint) tool actionlint "$actionlint_module" "$actionlint_image" ;;
    environment) environment pipeline dev ;;
    train-environment) environment train dev ;;
    publish-environment) environment publish pipeline dev ;;
    dev-environment) environment dev && openmp ;;
    browser) have google-chrome || package chromium ;;
    cosign) signer ;;
    compose) docker compose version >/dev/null 2>&1 || package docker-compose newer ;;
    go) have_go ;;
    kubectl) package kubectl newer kubernetes-client ;;
    nginx) router ;;
    postgresql) postgresql ;;
    qemu-user) package qemu-x86_64 newer qemu-user ;; # Debian 12's crashes on AVX2
    versitygw) built versitygw "$versitygw_module" ;;
    fake-gcs-server) built fake-gcs-server "$gcs_module" "${gcs_module%@*}" ;;
    mmdebstrap | docker-registry | shellcheck | wrk) package "$part" ;;
    *) fail "part must be one of those at the end of ship/engine.sh. Got $part instead." ;;
  esac
done
