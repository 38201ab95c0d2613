"""Builds the native modules from csrc/; everything else about the package is in pyproject.toml."""

import os
import platform
import sys
from glob import glob
from pathlib import Path

import pybind11
from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext
from setuptools import setup

sys.path.insert(0, str(Path(__file__).parent))
from scripts.extensions import cuda

X86 = platform.machine().lower() in {"x86_64", "amd64"}
# -Wno-uninitialized: GCC 12 warns of its own _mm512_undefined_ps (GCC bug 105593).
# Each instruction set is a translation unit with flags of its own: csrc/cpu/simd/levels.cpp picks one.
SIMD_FLAGS = {
    "level_avx2.cpp": ["-mavx2", "-mfma"] if X86 else [],
    "level_avx512.cpp": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-Wno-uninitialized"]
    if X86
    else [],
}
HEADERS = glob("csrc/**/*.h", recursive=True)


def stamp_of(target: Path) -> Path:
    """The file that holds the command that made an object."""
    return target.with_suffix(".command")


def is_current(target: Path, source: Path, command: str) -> bool:
    """Whether an object is of the same command, and newer than its source and every header of ours."""
    stamp = stamp_of(target)
    if not (target.exists() and stamp.exists() and stamp.read_text() == command):
        return False
    made = target.stat().st_mtime
    return all(Path(path).stat().st_mtime <= made for path in [source, __file__, *HEADERS])


class BuildModules(build_ext):
    """Adds each translation unit's own flags to the compiler's command, and builds the CUDA modules."""

    def finalize_options(self) -> None:
        """Keeps the objects of editable installations, which setuptools makes in a folder that it deletes."""
        super().finalize_options()
        if self.editable_mode:
            self.build_temp = "build/editable"

    def run(self) -> None:
        """Builds the extensions, then what nvcc compiles."""
        super().run()
        folder = Path("full_w2v") if self.inplace else Path(self.build_lib, "full_w2v")
        self._cuda_modules = cuda.build_all(folder.resolve(), in_place=bool(self.inplace))

    def get_outputs(self) -> list[str]:
        """Files that were built."""
        return [*super().get_outputs(), *map(str, getattr(self, "_cuda_modules", []))]

    def build_extensions(self) -> None:
        """Builds all extensions with the per-file flags in place."""
        compile_one = self.compiler._compile

        def compile_with_flags(obj, src, ext, cc_args, extra_postargs, pp_opts):
            flags = [*extra_postargs, *SIMD_FLAGS.get(Path(src).name, [])]
            # Not the include paths: pip's build environments move from one installation to the next.
            command = " ".join([pybind11.__version__, *self.compiler.compiler_so, *flags])
            if not is_current(Path(obj), Path(src), command):
                compile_one(obj, src, ext, cc_args, flags, pp_opts)
                stamp_of(Path(obj)).write_text(command)

        self.compiler._compile = compile_with_flags
        super().build_extensions()


warnings = ["-Wall", "-Wextra"] + (["-Werror"] if os.environ.get("FULL_W2V_WERROR") == "1" else [])
native = Pybind11Extension(
    "full_w2v._native",
    sorted(
        glob("csrc/contract/*.cpp")
        + glob("csrc/text/*.cpp")
        + glob("csrc/cpu/**/*.cpp", recursive=True)
        + glob("csrc/bindings/native*.cpp")
        + ["csrc/bindings/params.cpp"]
    ),
    include_dirs=["csrc"],
    depends=HEADERS,
    cxx_std=17,
    # FULL_W2V_CXXFLAGS comes last of those that all files share, so that it can override them (the
    # sanitizers' build does); SIMD_FLAGS follow it.
    extra_compile_args=[
        "-O3",
        "-g0",
        "-pthread",
        *warnings,
        *os.environ.get("FULL_W2V_CXXFLAGS", "").split(),
    ],
    extra_link_args=["-pthread"],
)

ParallelCompile("FULL_W2V_JOBS", default=os.cpu_count() or 1).install()
setup(ext_modules=[native], cmdclass={"build_ext": BuildModules})
