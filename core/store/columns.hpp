// Private to core/store: what volumes.cpp and snapshots.cpp share when they read a row.
#pragma once
#include "core/base/json.hpp"
#include "core/store/rows.hpp"

namespace vbs::store {
using S = std::string;
using I = long long;

// The columns of ObjectRow, in the order in which both tables select them. Macros, because a parameter pack cannot be
// named.
#define COMMON_COLUMNS I, S, S, S, S, S, S, S, I, S, S, S, S, S, S, S, I, I
#define COMMON_PARAMETERS                                                                                 \
  I seq, const S &id, const S &project, const S &user, const S &backend, const S &name, const S &comment, \
      const S &metadata, I size, const S &lifecycle, const S &format, const S &refs, const S &layer,      \
      const S &error_code, const S &error_message, const S &operation, I created, I updated
#define COMMON_FILL(r)                                                                                          \
  (r.seq = seq, r.id = id, r.project_id = project, r.user_id = user, r.backend_id = backend, r.name = name,     \
   r.comment = comment, r.metadata = metadata, r.size_bytes = size, r.lifecycle = lifecycle, r.format = format, \
   r.refs = refs, r.layer = layer, r.error_code = error_code, r.error_message = error_message,                  \
   r.operation_id = operation, r.created_at = created, r.updated_at = updated)

template <class T>
std::optional<T> first(std::vector<T> rows) {
  return rows.empty() ? std::nullopt : std::optional<T>(std::move(rows.front()));
}

inline std::string json_array(const std::vector<std::string>& items) {
  JsonBuffer b;
  JsonWriter w(b);
  w.StartArray();
  for (const auto& i : items) put(w, i);
  w.EndArray();
  return {b.GetString(), b.GetSize()};
}
}  // namespace vbs::store
