// SPDX-License-Identifier: MIT
//
// Sidecars on disk: ID.GENERATION.EPOCH.json, one record each. A sidecar is written after the data that it names is
// complete, so one that reads whole and whose file is there tells the truth, whatever crashed in between. A newer
// generation supersedes; nothing is ever overwritten. Threading: any thread, one changing call per object.
#pragma once
#include <optional>
#include <string>

#include "attempt.hpp"
#include "fs.hpp"
#include "index.hpp"
#include "record.hpp"

namespace vbs::lustre {

struct Sidecar {
  FileName name;
  Record record;
};

class Sidecars {
 public:
  Sidecars(Files& files, Index& index) : files_(files), index_(index) {}

  // Written, not yet synced. A leaving of the same name (same attempt, begun again) is removed first.
  File put(Attempt& attempt, const File& dir, const Record& record, uint64_t epoch);
  // nullopt: not there, not whole, or of another object than its name says.
  std::optional<Record> read(const File& dir, const FileName& name);
  // The newest of the object whose data is there, at most of the given generation.
  std::optional<Sidecar> newest(const File& dir, const std::string& id, uint64_t generation_limit = UINT64_MAX);
  // Whether the record's own file is there and long enough.
  bool data_is_there(const File& dir, const Record& record);

 private:
  Files& files_;
  Index& index_;
};

}  // namespace vbs::lustre
