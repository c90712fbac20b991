// A sidecar of storage_lustre, refs as the core hands them back, and the facts that `vbsd --rebuild` reads out of one.
// Whoever writes in the back-end's directory must not lead out of it, nor end the process.
#include <cstdlib>

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/service/sidecar_facts.hpp"
#include "plugins/storage_lustre/record.hpp"
#include "vbs/plugin/storage.hpp"

using namespace vbs;

namespace {
void must(bool condition) {
  if (!condition) std::abort();
}

void check(const lustre::Record& r) {
  must(r.chain.size() <= lustre::kMaxChain);
  auto names = r.chain;
  names.push_back(r.file);
  for (const auto& name : names)
    must(!name.empty() && name[0] != '.' && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto record = lustre::parse_sidecar(text)) {
    check(*record);
    const auto again = lustre::parse_sidecar(lustre::sidecar_text(*record));
    must(again && again->id == record->id && again->chain == record->chain && again->facts == record->facts);
    try {
      ObjectState state;
      state.facts = record->facts;
      const auto facts = parse_sidecar_facts(state);
      must(parse_json(facts.metadata).IsObject());
    } catch (const Error&) {
    }
  }
  try {
    check(lustre::parse_refs(VBS_KIND_VOLUME, "id", text));
  } catch (const plugin::Error&) {
  }
  return 0;
}
