# SPDX-License-Identifier: MIT
"""The packages in a clean root: Debian's base system and nothing else."""

import subprocess

import pytest
from conftest import ROOT, VERSION, docker

PACKAGES = ROOT / "rococo_service_base" / "packages"


# A root that is thrown away need not survive a power cut.
QUICK_DPKG = "echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/quick"


def deb(name):
    return next(PACKAGES.glob(f"{name}_{VERSION}_*.deb"))


def field(package, name):
    return subprocess.run(["dpkg-deb", "-f", package, name], check=True, capture_output=True, text=True).stdout.strip()


def contents(package):
    """The files of a package; a slim image leaves out what is documentation."""
    return subprocess.run(["dpkg-deb", "-c", package], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def clean_root():
    """A container of the base image with the packages and the examples mounted; its network reaches Debian."""
    name = "rococo-test-clean-root"
    docker("rm", "-f", name, check=False)
    docker("run", "-d", "--name", name, "--network", "host", "-v", f"{PACKAGES}:/packages:ro", "-v", f"{ROOT}:/source:ro",
           "debian:bookworm-slim", "sleep", "infinity")

    def run(script, check=True):
        return docker("exec", "-e", "DEBIAN_FRONTEND=noninteractive", name, "bash", "-ec", script, check=check)

    run(QUICK_DPKG + " && apt-get update -q")
    yield run
    docker("rm", "-f", name)


def test_dependencies_are_those_of_the_adapters():
    depends = field(deb("rococo-svchost"), "Depends")
    for library in ("librabbitmq4", "libcurl4", "libsqlite3-0", "libssl3", "libstdc++6", "libc6"):
        assert f"{library} (>=" in depends
    # Certificates for TLS and the zones of schedules are data, which no linker sees.
    assert "ca-certificates" in depends and "tzdata" in depends
    assert "-dev" not in depends
    assert "libfmt-dev" in field(deb("rococo-sdk"), "Depends")
    assert field(deb("rococo-sdk"), "Architecture") == "all"


def test_packages_are_versioned_by_the_project():
    assert field(deb("rococo-svchost"), "Version") == VERSION
    assert field(deb("rococo-sdk"), "Version") == VERSION
    assert field(deb("rococo-adapters-dev"), "Version") == VERSION


def test_host_alone_runs(clean_root):
    clean_root("apt-get install -y -q --no-install-recommends /packages/rococo-svchost_*.deb")
    assert clean_root("svchost --version").splitlines()[0] == f"svchost {VERSION}"
    for page in ("share/man/man1/svchost.1", "share/man/man1/svchost-send.1", "share/bash-completion/completions/svchost",
                 "share/zsh/vendor-completions/_svchost", "share/fish/vendor_completions.d/svchost.fish"):
        assert f"./usr/{page}" in contents(deb("rococo-svchost"))
    assert "not found" not in clean_root("ldd /usr/bin/svchost")


def test_modules_for_python_are_compiled_where_there_is_python(clean_root):
    compiled = "ls /usr/share/rococo/python/front/rococo_svchost/__pycache__/worker.cpython-*.pyc"
    clean_root("! ls /usr/share/rococo/python/front/rococo_svchost/__pycache__")
    clean_root(f"apt-get install -y -q --no-install-recommends python3 && dpkg-reconfigure rococo-svchost && {compiled}")


def test_installed_sdk_builds_and_runs_the_example(clean_root):
    clean_root("apt-get install -y -q --no-install-recommends /packages/rococo-sdk_*.deb cmake g++ libgtest-dev make pkg-config")
    clean_root("cp -r /source/service_example /tmp/example && cd /tmp/example && rm -rf build .env .svchost")
    log = clean_root("cd /tmp/example && cmake -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build && ctest --test-dir build")
    assert "100% tests passed" in log
    log = clean_root(
        "cd /tmp/example && cp .env.example .env && svchost send ChildLoggingServiceProcessor '{\"n\": 1}' && "
        "EXIT_WHEN_FINISHED=1 svchost")
    assert 'Received message: {"n": 1} to the child image!' in log
    assert "1 acknowledged" in log


def test_pkg_config_builds_a_service_without_cmake(clean_root):
    assert clean_root("pkg-config --modversion rococo").strip() == VERSION
    log = clean_root(r"""
        mkdir -p /tmp/plain && cd /tmp/plain && cp /source/service_example/processor.cpp .
        sed 's/@.*_PACKAGE@/orders/; s/@.*_SERVICE_VERSION@/3.2.1/; s/@.*_SDK_VERSION@/1.1.0/' \
            "$(pkg-config --variable=descriptor rococo)" >descriptor.cpp
        g++ -std=c++20 -O1 -shared -fPIC -fvisibility=hidden -fno-gnu-unique $(pkg-config --cflags rococo) \
            -DROCOCO_MODULE='"orders.processor"' processor.cpp descriptor.cpp -o orders.service.so
        export ChildLoggingServiceProcessor_QUEUE_NAME=q EXIT_WHEN_FINISHED=1
        svchost send q '{"n": 1}' && svchost""")
    assert "processor_module: orders.processor" in log and "Service Processor Version: 3.2.1" in log
    assert "1 acknowledged" in log


def test_program_of_ones_own_links_the_adapters(clean_root):
    clean_root("apt-get install -y -q --no-install-recommends /packages/rococo-adapters-dev_*.deb")
    log = clean_root("cp -r /source/tests/install/adapters /tmp/adapters && cd /tmp/adapters && "
                     "cmake -B build && cmake --build build && ./build/adapter_user")
    assert "all three queues are usable" in log


def test_archive_unpacked_anywhere_is_an_sdk(clean_root):
    archive = next((ROOT / "rococo_service_base" / "packages").glob("rococo-*.tar.gz"))
    clean_root(f"mkdir -p /opt/rococo && tar -xzf /packages/{archive.name} -C /opt/rococo --strip-components=1")
    clean_root("cp -r /source/cron_service_example /tmp/cron && cd /tmp/cron && rm -rf build .env")
    log = clean_root("cd /tmp/cron && cmake -B build -DCMAKE_PREFIX_PATH=/opt/rococo -DBUILD_TESTING=OFF && cmake --build build && "
                     "grep rococo_DIR build/CMakeCache.txt && /opt/rococo/bin/svchost --version")
    assert "rococo_DIR:PATH=/opt/rococo/lib/cmake/rococo" in log
    assert f"svchost {VERSION}" in log


def test_uninstalling_leaves_nothing_behind(clean_root):
    """Against the list of files before; run last, in a root of its own, so that only the packages differ."""
    name = "rococo-test-uninstall"
    docker("rm", "-f", name, check=False)
    docker("run", "-d", "--name", name, "--network", "host", "-v", f"{PACKAGES}:/packages:ro", "debian:bookworm-slim", "sleep", "infinity")
    try:
        def run(script):
            return docker("exec", "-e", "DEBIAN_FRONTEND=noninteractive", name, "bash", "-ec", script)

        files = r"find / -xdev \( -path /proc -o -path /sys -o -path /tmp -o -path /packages \) -prune -o ! -type d -print -o -type d -print | sort"
        run(QUICK_DPKG + " && apt-get update -q")
        # What ours need stays: another package may use it, and `apt autoremove` is its owner's to call.
        run("apt-get install -y -q --no-install-recommends python3 $(for deb in /packages/*.deb; do dpkg-deb -f $deb Depends; done | "
            "tr ',' '\n' | sed '/rococo/d; s/(.*//; s/|.*//')")
        before = set(run(files).splitlines())
        run("apt-get install -y -q --no-install-recommends /packages/*.deb")
        installed = set(run(files).splitlines())
        assert "/usr/bin/svchost" in installed and "/usr/include/rococo/service.hpp" in installed
        assert [path for path in installed if path.startswith("/usr/share/rococo/python") and path.endswith(".pyc")]
        run("apt-get purge -y -q rococo-svchost rococo-sdk rococo-adapters-dev")
        after = set(run(files).splitlines())
        left = {path for path in after - before if not path.startswith("/var/")}
        assert left == set()
        assert not [path for path in after - before if "rococo" in path or "svchost" in path]
    finally:
        docker("rm", "-f", name)
