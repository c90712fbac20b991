// Reading answers. The service may grow fields, so a client ignores what it does not know and shows nothing for what is
// absent; that is why this is not the strict ObjectReader.
#pragma once
#include <rapidjson/document.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace vbs::cli {

std::string text(const rapidjson::Value& object, const char* name);                // absent or another type: ""
uint64_t number(const rapidjson::Value& object, const char* name);                 // absent or another type: 0
const rapidjson::Value& member(const rapidjson::Value& object, const char* name);  // absent: a null
std::vector<std::string> texts(const rapidjson::Value& object, const char* name);  // of an array of strings
std::string join(const std::vector<std::string>& parts, const std::string& separator);
const rapidjson::Value& null_value();

void print_json(std::ostream& out, const rapidjson::Value& value);  // indented, one newline at the end

}  // namespace vbs::cli
