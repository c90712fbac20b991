#include "fake_host.hpp"

#include <rapidjson/document.h>
#include <rapidjson/pointer.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace vbs::test {
namespace {

using Clock = std::chrono::steady_clock;

vbs_status json_get(const vbs_host*, vbs_str json, vbs_str pointer, void (*take)(void*, vbs_str), void* user) {
  rapidjson::Document document;
  document.Parse(json.ptr, json.len);
  if (document.HasParseError()) return VBS_INVALID;
  const auto* value = rapidjson::Pointer(pointer.ptr, pointer.len).Get(document);
  if (!value) return VBS_NOT_FOUND;
  if (value->IsString()) {
    take(user, {value->GetString(), value->GetStringLength()});
  } else {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    value->Accept(writer);
    take(user, {buffer.GetString(), buffer.GetSize()});
  }
  return VBS_OK;
}

vbs_host make_host() {
  vbs_host host{};
  host.size = sizeof host;
  host.log = [](const vbs_host*, int32_t, vbs_str) {};
  host.monotonic_ms = [](const vbs_host*) -> uint64_t {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count();
  };
  host.json_get = json_get;
  host.secret = [](const vbs_host*, vbs_str, void (*)(void*, vbs_str), void*) -> vbs_status { return VBS_NOT_FOUND; };
  return host;
}

}  // namespace

const vbs_host* fake_host() {
  static const vbs_host host = make_host();
  return &host;
}

TestCall::TestCall(std::chrono::milliseconds limit) : end_(Clock::now() + limit) {
  call_.size = sizeof call_;
  call_.call_id = plugin::str("test");
  call_.epoch = 1;
  call_.host_data = this;
  call_.remaining_ms = [](vbs_call* c) -> int64_t {
    return std::chrono::duration_cast<std::chrono::milliseconds>(self(c).end_ - Clock::now()).count();
  };
  call_.cancelled = [](vbs_call* c) -> int32_t { return self(c).cancelled_ ? 1 : 0; };
  call_.progress = [](vbs_call*, uint64_t, uint64_t) {};
  call_.log = [](vbs_call*, int32_t, vbs_str) {};
  call_.fail = [](vbs_call* c, vbs_str text) { self(c).error = plugin::text(text); };
  call_.add_item = take;
}

void TestCall::take(vbs_call* call, uint32_t kind, const void* item) {
  auto& out = self(call);
  if (kind == VBS_ITEM_VM) {
    const auto vm = plugin::receive(static_cast<const vbs_vm*>(item));
    out.vms.push_back({plugin::text(vm.uuid), plugin::text(vm.name), vm.state, vm.persistent != 0});
  } else if (kind == VBS_ITEM_DISK) {
    const auto d = plugin::receive(static_cast<const vbs_disk*>(item));
    out.disks.push_back({plugin::text(d.serial), plugin::text(d.device), plugin::text(d.path), d.mode == VBS_MODE_RO,
                         d.where, d.size_bytes});
  } else if (kind == VBS_ITEM_INSTANCE) {
    out.facts = plugin::text(plugin::receive(static_cast<const vbs_instance*>(item)).facts);
  }
}

}  // namespace vbs::test
