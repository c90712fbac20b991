#include "core/plugin_host/needs.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <boost/dll/shared_library.hpp>
#include <mutex>
#include <thread>

#include "core/base/error.hpp"
#include "core/base/log.hpp"

namespace vbs {
namespace {
constexpr const char* kLibvirtLoop = "libvirt-event-loop";

// libvirt's default loop, which keep-alives and events of every connection in the process depend on. It must be
// registered before the first connection opens (libvirt-event(3)). Found at run time: a VBS without a libvirt plugin
// needs no libvirt.
void start_libvirt_loop() {
  static auto* library = new boost::dll::shared_library;  // never unloaded: the thread below is inside it
  try {
    library->load("libvirt.so.0", boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local |
                                      boost::dll::load_mode::search_system_folders);
    auto& register_default = library->get<int()>("virEventRegisterDefaultImpl");
    auto& run_once = library->get<int()>("virEventRunDefaultImpl");
    if (register_default() != 0) throw Error(Code::not_supported, "libvirt's event loop cannot be registered");
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([&run_once] {
      while (run_once() == 0) {
      }
      logger().error("libvirt's event loop has ended: restart the service");
    }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(
        Code::not_supported,
        fmt::format("libvirt's event loop cannot be started: {}; install the package libvirt0", for_log(e.what())));
  }
}
}  // namespace

void check_needs(const std::vector<std::string>& needs) {
  for (const auto& need : needs)
    if (need != kLibvirtLoop)
      throw Error(Code::invalid, fmt::format("it needs '{}', which this VBS does not have; it has: {}",
                                             for_log(need, 64), kLibvirtLoop));
}

void start_needs(const std::vector<std::string>& needs) {
  static std::once_flag libvirt;
  for (const auto& need : needs)
    if (need == kLibvirtLoop)
      std::call_once(libvirt, start_libvirt_loop);  // a throw leaves the flag unset: tried again
}

}  // namespace vbs
