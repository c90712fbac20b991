# shellcheck shell=bash
# needs.sh - sourced by the lab scripts: ends the caller with status 3 if a Debian package that its "# needs:" line names
# is not installed. Status 3 lets a test tell "cannot run here" from "failed".
_missing=
# shellcheck disable=SC2013
for _package in $(sed -n 's/^# needs: *//p' "$0"); do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$_package" 2>/dev/null) == installed ]] || _missing+=" $_package"
done
if [[ -n $_missing ]]; then
  echo "${0##*/}: Debian packages are missing: apt-get install$_missing" >&2
  exit 3
fi
unset _missing _package
