#!/bin/sh
# prune.sh ENVIRONMENT OPTIMIZATION
#
# Remove from a virtual environment what no run needs: tests, headers, sources of extensions,
# libraries that nothing loads, symbols; then compile what is left, so that starts are quick where
# nothing can be written.
set -eu
rm -f "$1"/.lock
cd "$1"/lib/python3.*/site-packages
find . -depth -type d \( -name __pycache__ -o -name tests \) -exec rm -rf {} +
find . -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cpp' -o -name '*.cu' \
  -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.a' -o -name '*.lib' \) -delete
# Configurations of models may have Keras import any module of its own, its tests among them.
find . -path './*keras/*' -name '*_test.py' -delete
rm -rf onnxruntime/capi/libonnxruntime.so.* onnxruntime/tools onnxruntime/transformers \
  onnxruntime/quantization onnxruntime/datasets \
  numpy/f2py numpy/distutils numpy/_pyinstaller sqlalchemy/testing alembic/testing \
  tensorflow/include clang
# Databases and languages that nobody has to do with here.
rm -rf sqlalchemy/dialects/mysql sqlalchemy/dialects/mssql sqlalchemy/dialects/oracle
find pygments/lexers -name '*.py' ! -name '__init__.py' ! -name '_mapping.py' ! -name 'special.py' \
  ! -name 'python.py' -delete
# The only services of Amazon's that are asked: storage, and who one is.
if test -d botocore/data; then
  find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' \
    -exec rm -rf {} +
fi
# A package that has libraries beside it was patched to find them; such files are left alone.
find . -name '*.so' -o -name '*.so.[0-9]*' | while read -r file; do
  package=${file#./} && package=${package%%/*}
  case $package in *.libs) continue ;; esac
  test -d "$package.libs" || strip --strip-unneeded "$file"
done
# With optimization 2 they have no docstrings, which are a tenth of what Python keeps in memory, and
# no assertions. The files are named as those of a run without it: how the project itself runs.
python3 -X no_debug_ranges -m compileall -q -j 0 -o "$2" --invalidation-mode unchecked-hash .
find . -name '*.opt-*.pyc' | while read -r file; do
  mv "$file" "${file%.opt-*}.pyc"
done
