// Private to adapters/vbs: the schemas of openapi.yaml, written from rows. Each function writes one JSON object.
#pragma once
#include "core/base/json.hpp"
#include "core/service/attachments.hpp"
#include "core/service/reconcile.hpp"
#include "core/service/volumes.hpp"

namespace vbs::native {

void write(JsonWriter&, Core&, const VolumeView&);
void write(JsonWriter&, Core&, const store::SnapshotRow&);
void write(JsonWriter&, Core&, const store::AttachmentRow&);
void write(JsonWriter&, Core&, const store::OperationRow&);

inline void field(JsonWriter& w, std::string_view name, std::string_view value) {
  key(w, name);
  put(w, value);
}
// {"code":..., "message":...}, if there is one.
void reason(JsonWriter&, const std::string& code, const std::string& message);

}  // namespace vbs::native
