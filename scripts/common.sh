# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=/usr/bin/python3 # Debian's, for which the packages are installed; another one may come first on PATH
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}

# Installs what is missing of the given groups of scripts/packages, or says what to install and exits with 2.
install_packages() {
    local wanted package missing=() command
    mapfile -t wanted < <(awk -v groups=" $* " '!/^#/ && index(groups, " " $1 " ") { print $2 }' "$root/scripts/packages")
    if ! command -v dpkg-query >/dev/null; then
        echo "This is not Debian: taking it that the equivalents of these packages are installed: ${wanted[*]}"
        return
    fi
    for package in "${wanted[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        return
    fi
    command="apt-get install -y --no-install-recommends ${missing[*]}"
    local as_root=()
    if ((EUID != 0)); then
        if ! sudo -n true 2>/dev/null; then
            echo "Packages are missing, and installing them takes root. Please run:" >&2
            echo "    sudo $command" >&2
            exit 2
        fi
        as_root=(sudo -n)
    fi
    echo "$command"
    "${as_root[@]}" apt-get update -q </dev/null >/dev/null
    # shellcheck disable=SC2086
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $command -q </dev/null >/dev/null
}

# Whether a CUDA build is possible here.
have_nvcc() {
    [[ -n ${CUDACXX:-} ]] || command -v nvcc >/dev/null || [[ -x ${CUDA_HOME:-/usr/local/cuda}/bin/nvcc ]]
}
