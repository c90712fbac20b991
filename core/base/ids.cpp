#include "core/base/ids.hpp"

#include <unistd.h>

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <cerrno>
#include <system_error>

namespace vbs {
std::string new_uuid() {
  thread_local boost::uuids::random_generator_pure generate;  // getentropy for each: no state to repeat after a fork
  return boost::uuids::to_string(generate());
}
std::string new_secret() {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr unsigned char fair =
      256 / alphabet.size() * alphabet.size();  // above it some letters would come more often
  std::string out;
  while (out.size() < 16) {
    unsigned char bytes[32];
    if (getentropy(bytes, sizeof bytes) != 0) throw std::system_error(errno, std::generic_category(), "getentropy");
    for (size_t i = 0; i < sizeof bytes && out.size() < 16; ++i)
      if (bytes[i] < fair) out += alphabet[bytes[i] % alphabet.size()];
  }
  return out;
}
bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}
}  // namespace vbs
