// Volumes in memory, straight on the C table. Per-volume options make it misbehave ("misbehave": WHAT), run a command
// ("run": VALUE) or tell a secret ("tell": NAME), so that tests see what the host does about it.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "vbs/plugin/storage.h"

namespace {
struct Volume {
  uint64_t size_bytes;
};
struct Instance {
  const vbs_host* host;
  std::string config;
  std::mutex mutex;
  std::map<std::string, Volume> volumes;
  std::atomic<int> inside{0}, most_inside{0};
};
vbs_str str(const std::string& s) { return {s.data(), s.size()}; }
std::string text(vbs_str s) { return s.ptr ? std::string(s.ptr, s.len) : std::string(); }
void take_text(void* out, vbs_str v) { *static_cast<std::string*>(out) = text(v); }
void take_output(void* out, const vbs_command_result* r) { *static_cast<std::string*>(out) = text(r->out); }

std::string json(Instance& i, vbs_str document, const std::string& pointer) {
  std::string value;
  i.host->json_get(i.host, document, str(pointer), take_text, &value);
  return value;
}

void add_object(vbs_call* call, const std::string& id, uint64_t size_bytes, const std::string& refs) {
  vbs_object o{};
  const std::string format = "raw";
  o.size = sizeof o;
  o.kind = VBS_KIND_VOLUME;
  o.id = str(id);
  o.refs = str(refs);
  o.size_bytes = size_bytes;
  o.format = str(format);
  call->add_item(call, VBS_ITEM_OBJECT, &o);
}

vbs_status open_instance(const vbs_host* host, vbs_call* call, vbs_str, vbs_str config, void** out) {
  auto* i = new Instance{host, text(config), {}, {}, {}, {}};
  if (json(*i, config, "/away") == "true") {
    delete i;
    call->fail(call, str(std::string("the server of the back-end is away")));
    return VBS_UNAVAILABLE;
  }
  vbs_instance facts{};
  facts.size = sizeof facts;
  facts.max_parallel_calls = static_cast<uint32_t>(std::stoul(json(*i, config, "/parallel")));
  facts.capabilities = VBS_CAP_THIN | (1ull << 60);  // and one that nobody knows
  const std::string broken = "[1,";
  facts.facts = json(*i, config, "/broken_facts") == "true" ? str(broken) : str(i->config);
  call->add_item(call, VBS_ITEM_INSTANCE, &facts);
  *out = i;
  return VBS_OK;
}
void close_instance(void* instance) { delete static_cast<Instance*>(instance); }

vbs_status capacity(void* instance, vbs_call* call) {
  auto& i = *static_cast<Instance*>(instance);
  const int now = ++i.inside;
  for (int most = i.most_inside; now > most && !i.most_inside.compare_exchange_weak(most, now);) {
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  --i.inside;
  const vbs_capacity c{sizeof c, 0, 1000, static_cast<uint64_t>(i.most_inside), 2.0};
  call->add_item(call, VBS_ITEM_CAPACITY, &c);
  return VBS_OK;
}

vbs_status misbehave(vbs_call* call, const std::string& how, const std::string& id) {
  if (how == "status") return 4711;
  if (how == "busy") return VBS_BUSY;
  if (how == "throw") throw std::runtime_error("across the line");
  if (how == "refs") add_object(call, id, 1 << 20, std::string(5000, 'r'));
  if (how == "utf8") add_object(call, id, 1 << 20, "\xff\xfe");
  if (how == "small") add_object(call, id, 1, "r");
  if (how == "stranger") add_object(call, "00000000-0000-4000-8000-000000000000", 1 << 20, "r");
  if (how == "bad_id") add_object(call, "../../etc", 1 << 20, "r");
  if (how == "null_item") call->add_item(call, VBS_ITEM_OBJECT, nullptr);
  if (how == "unknown_item") call->add_item(call, 999, "x");
  if (how == "null_text") {
    vbs_object o{};
    o.size = sizeof o;
    o.kind = VBS_KIND_VOLUME;
    o.id = {nullptr, 36};
    call->add_item(call, VBS_ITEM_OBJECT, &o);
  }
  if (how == "layer") {
    const std::string name = "../escape", format = "raw";
    add_object(call, id, 1 << 20, "r");
    const vbs_layer l{sizeof l, 0, str(name), {nullptr, 0}, str(format), 0};
    call->add_item(call, VBS_ITEM_LAYER, &l);
  }
  if (how == "forged_log") {
    call->fail(call, str(std::string("no\n2026-01-01 all is well\xff")));
    return VBS_INVALID;
  }
  return VBS_OK;
}

vbs_status create(void* instance, vbs_call* call, const vbs_create_args* a) {
  auto& i = *static_cast<Instance*>(instance);
  const std::string id = text(a->id);
  if (const auto how = json(i, a->options, "/misbehave"); !how.empty()) return misbehave(call, how, id);
  std::string refs = "memory-1";
  if (const auto name = json(i, a->options, "/tell"); !name.empty()) {
    std::string value = "(none)";
    i.host->secret(i.host, str(name), take_text, &value);
    call->fail(call, str("the secret is " + value));
    return VBS_DENIED;
  }
  const std::string run = json(i, a->options, "/run");
  if (!run.empty()) {
    const std::string command = json(i, a->options, "/command"), name = "value", value = json(i, a->options, "/run");
    const vbs_param param{str(name), str(value)};
    refs.clear();
    const auto status = i.host->run_command(i.host, call, str(command), &param, 1, take_output, &refs);
    if (status != VBS_OK) return status;
  }
  while (json(i, a->options, "/wait") == "true") {
    if (call->cancelled(call)) return VBS_CANCELLED;
    if (call->remaining_ms(call) < 0) return VBS_UNKNOWN;
  }
  call->progress(call, a->size_bytes, a->size_bytes);
  const std::lock_guard lock(i.mutex);
  const auto [it, fresh] = i.volumes.try_emplace(id, Volume{a->size_bytes});
  if (!fresh && it->second.size_bytes != a->size_bytes) {
    call->fail(call, str("volume " + id + " exists with another size"));
    return VBS_CONFLICT;
  }
  add_object(call, id, it->second.size_bytes, refs);
  return VBS_OK;
}

vbs_status remove_object(void* instance, vbs_call*, const vbs_remove_args* a) {
  auto& i = *static_cast<Instance*>(instance);
  const std::lock_guard lock(i.mutex);
  i.volumes.erase(text(a->id));
  return VBS_OK;
}

vbs_status inspect(void* instance, vbs_call* call, uint32_t, vbs_str id, vbs_str refs) {
  auto& i = *static_cast<Instance*>(instance);
  const std::lock_guard lock(i.mutex);
  const auto it = i.volumes.find(text(id));
  if (it == i.volumes.end()) return VBS_NOT_FOUND;
  add_object(call, it->first, it->second.size_bytes, text(refs));
  return VBS_OK;
}
}  // namespace

extern "C" const vbs_plugin* vbs_plugin_entry(const vbs_host*, const vbs_versions*) {
  static vbs_storage_table table{};
  static vbs_plugin plugin{};
  table.size = sizeof table;
  table.open = open_instance;
  table.close = close_instance;
  table.capacity = capacity;
  table.create = create;
  table.remove = remove_object;
  table.inspect = inspect;
  plugin.size = sizeof plugin;
  plugin.magic = VBS_PLUGIN_MAGIC;
  plugin.version = {"1.0", 3};
#ifdef OLD_TABLE
  table.size = offsetof(vbs_storage_table, create);  // a plugin built when the table ended here
  plugin.name = {"old_memory", 10};
#else
  plugin.name = {"memory", 6};
#endif
  plugin.storage = &table;
  return &plugin;
}
