#include "apps/vbs/hints.hpp"

#include <fmt/format.h>

#include "core/base/ids.hpp"

namespace vbs::cli {
namespace {

// "/v1/volumes/ID/..." -> ID
std::string volume_of(const std::string& target) {
  constexpr std::string_view prefix = "/v1/volumes/";
  if (target.rfind(prefix, 0) != 0) return {};
  const std::string id = target.substr(prefix.size(), 36);
  return is_uuid(id) ? id : std::string();
}

std::string list_command(const std::string& target) {
  if (target.rfind("/v1/volumes", 0) == 0) return "vbs describe-volumes";
  if (target.rfind("/v1/snapshots", 0) == 0) return "vbs describe-snapshots";
  if (target.rfind("/v1/operations", 0) == 0) return "vbs operations list";
  if (target.rfind("/v1/hosts", 0) == 0) return "vbs hosts";
  return {};
}

std::string certificate_text(const Settings& settings) {
  if (settings.cert.value.empty())
    return "no certificate was sent; name one with --cert and --key, VBS_CERT and VBS_KEY, or a profile";
  return fmt::format("your certificate is {} (from {}); `vbs ca show {}` says whose it is and until when",
                     settings.cert.value, settings.cert.origin, settings.cert.value);
}
}  // namespace

Failure connection_failure(const Error& error, const std::string& method, const Settings& settings) {
  if (error.code() == Code::unknown_outcome)
    return {
        Exit::unknown, error.what(),
        fmt::format("the service may have taken the {}: look with `vbs operations list` before you repeat it", method)};
  if (error.code() == Code::unauthenticated) return {Exit::not_allowed, error.what(), certificate_text(settings)};
  const auto said = [](const char* name, const Setting& s) {
    return fmt::format("{} is {} ({})", name, s.value.empty() ? "none" : s.value, s.origin);
  };
  if (error.code() == Code::unavailable)
    return {Exit::unreachable, error.what(), said("url", settings.url) + ", " + said("ca", settings.ca)};
  if (error.code() == Code::invalid)
    return {Exit::unreachable, error.what(),
            fmt::format("{}, {}, {}, {}", said("url", settings.url), said("ca", settings.ca),
                        said("cert", settings.cert), said("key", settings.key))};
  return {exit_of(error.code()), error.what()};
}

Failure refusal(int status, const Error& error, const std::string& target, const Settings& settings) {
  const std::string volume = volume_of(target);
  const std::string message = error.what();
  switch (status) {
    case 401:
      return {Exit::not_allowed, message, certificate_text(settings)};
    case 403:
      return {
          Exit::not_allowed, message,
          "`vbs whoami` shows who you are there; an owner gives read-only use with `vbs grant`, an operator a VM with "
          "`vbs hosts owner`"};
    case 404: {
      const auto command = list_command(target);
      return {Exit::not_found, message, command.empty() ? "" : fmt::format("`{}` shows what there is", command)};
    }
    case 409:
      return {Exit::conflict, message,
              volume.empty() ? "`vbs operations list` shows what is under way"
                             : fmt::format("`vbs explain {}` says why and what can be done", volume)};
    case 429:
    case 503:
      return {Exit::failed, message,
              "try again in a moment; `vbs health` and `vbs backends` show what does not answer"};
    case 507:
      return {Exit::failed, message, "`vbs backends` shows what is free; --backend chooses another one"};
    default:
      break;
  }
  if (status < 500)
    return {Exit::usage, message, error.field().empty() ? "" : fmt::format("the field is '{}'", error.field())};
  return {Exit::failed, message, "the service's log says more, under the request id"};
}

}  // namespace vbs::cli
