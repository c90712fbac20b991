// Following an operation to its end. The service holds each question back until the operation has ended or some seconds
// have passed (long poll), so waiting costs nearly nothing.
#pragma once
#include <rapidjson/document.h>

#include "apps/vbs/context.hpp"

namespace vbs::cli {

// The operation as it ended, done or failed. With --no-wait, as it is. A service that goes away meanwhile (a restart)
// is asked again for a minute. Throws Failure(unknown) when --timeout has passed.
rapidjson::Document wait_for_end(Context& context, const rapidjson::Value& operation);

// The same, and throws the Failure of an operation that failed.
rapidjson::Document wait_for_success(Context& context, const rapidjson::Value& operation);

}  // namespace vbs::cli
