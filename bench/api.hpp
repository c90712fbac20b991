// The few requests of the native API that are measured. Every call waits until its operation has ended and throws
// std::runtime_error, with the service's words, unless it ended well. Threading: as HttpsClient.
#pragma once
#include <cstdint>
#include <string>

#include "bench/https_client.hpp"

namespace vbs::bench {

class Api {
 public:
  explicit Api(const Server& server) : client_(server) {}

  std::string create_volume(const std::string& backend, uint64_t size_bytes);  // id of a volume that is available
  std::string create_volume_from(const std::string& snapshot);
  std::string create_snapshot(const std::string& volume);
  void delete_volume(const std::string& id) { ended_well(client_.request("DELETE", "/v1/volumes/" + id, {}, kWait)); }
  void delete_snapshot(const std::string& id) {
    ended_well(client_.request("DELETE", "/v1/snapshots/" + id, {}, kWait));
  }
  void show_volume(const std::string& id) { ok(client_.request("GET", "/v1/volumes/" + id)); }
  size_t list_volumes(size_t limit);  // bytes of the answer
  void attach(const std::string& volume, const std::string& host, const std::string& vm, const char* mode = "rw");
  void detach(const std::string& volume, const std::string& host, const std::string& vm);

 private:
  static constexpr int kWait = 60;  // seconds
  static void ok(const Answer& a);
  static void ended_well(const Answer& a);
  static std::string available(const Answer& a);
  HttpsClient client_;
};

}  // namespace vbs::bench
