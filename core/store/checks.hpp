// Private to core/store: rows as they are read back. SQLite keeps any value in any column, whatever the schema says,
// and a store may have been edited by hand or come from a failing disk: what vbsd would take for something else (a mode
// that is neither ro nor rw, a negative size), or could not answer with (text that is not UTF-8), is an error that
// names the row, here, before anybody acts on it.
//
// Errors: Error(internal), one line: table, id, column, value, what it must be, what to do next.
#pragma once
#include "core/store/rows.hpp"

namespace vbs::store {

void check(const VolumeRow&);
void check(const SnapshotRow&);
void check(const AttachmentRow&);
void check(const ExportRow&);
void check(const OperationRow&);
void check(const UserRow&);

}  // namespace vbs::store
