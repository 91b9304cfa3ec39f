#include "tests/common/mcp/schema_check.hpp"

#include <fstream>
#include <map>
#include <stdexcept>

#include <fmt/format.h>

namespace common::mcp::test {
namespace {

using nlohmann::json;

const json& schema_of(const std::string& revision) {
    static std::map<std::string, json> loaded;
    json& schema = loaded[revision];
    if (schema.is_null()) {
        std::ifstream file(fmt::format("{}/{}.json", CODEZ_MCP_SCHEMA_DIR, revision));
        schema = json::parse(file);
    }
    return schema;
}

bool has_type(const json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    throw std::logic_error("unknown type " + type);
}

class checker {
public:
    explicit checker(const json& root) : root_(root) {}

    std::string check(const json& schema, const json& value, const std::string& path) const {
        for (const auto& [keyword, wanted] : schema.items()) {
            std::string wrong = check_keyword(keyword, wanted, schema, value, path);
            if (!wrong.empty()) return wrong;
        }
        return {};
    }

private:
    std::string check_keyword(const std::string& keyword, const json& wanted, const json& schema, const json& value,
                              const std::string& path) const {
        if (keyword == "$ref")
            return check(root_.at(json::json_pointer(wanted.get<std::string>().substr(1))), value, path);
        if (keyword == "type") return check_type(wanted, value, path);
        if (keyword == "const") return value == wanted ? "" : path + " is not " + wanted.dump();
        if (keyword == "enum") {
            for (const json& one : wanted) {
                if (value == one) return {};
            }
            return path + " is none of " + wanted.dump();
        }
        if (keyword == "anyOf") return check_any(wanted, value, path);
        if (keyword == "required" && value.is_object()) {
            for (const json& name : wanted) {
                if (!value.contains(name.get<std::string>())) return path + " lacks " + name.dump();
            }
        }
        if (keyword == "properties" && value.is_object()) {
            for (const auto& [name, property] : wanted.items()) {
                if (!value.contains(name)) continue;
                std::string wrong = check(property, value[name], path + "/" + name);
                if (!wrong.empty()) return wrong;
            }
        }
        if (keyword == "additionalProperties" && value.is_object()) return check_rest(wanted, schema, value, path);
        if (keyword == "items" && value.is_array()) {
            for (const json& element : value) {
                std::string wrong = check(wanted, element, path + "/[]");
                if (!wrong.empty()) return wrong;
            }
        }
        if (keyword == "minimum" && value.is_number() && value < wanted) return path + " is too small";
        if (keyword == "maximum" && value.is_number() && value > wanted) return path + " is too large";
        return {};
    }

    static std::string check_type(const json& wanted, const json& value, const std::string& path) {
        const json types = wanted.is_array() ? wanted : json::array({wanted});
        for (const json& type : types) {
            if (has_type(value, type.get<std::string>())) return {};
        }
        return path + " is not " + wanted.dump();
    }

    std::string check_any(const json& choices, const json& value, const std::string& path) const {
        std::string wrong = path + " fits none:";
        for (const json& choice : choices) {
            const std::string why = check(choice, value, path);
            if (why.empty()) return {};
            wrong += " (" + why + ")";
        }
        return wrong;
    }

    std::string check_rest(const json& wanted, const json& schema, const json& value, const std::string& path) const {
        const json known = schema.value("properties", json::object());
        for (const auto& [name, member] : value.items()) {
            if (known.contains(name)) continue;
            if (wanted == false) return path + " has " + name + " too many";
            if (!wanted.is_object()) continue;
            std::string wrong = check(wanted, member, path + "/" + name);
            if (!wrong.empty()) return wrong;
        }
        return {};
    }

    const json& root_;
};

}  // namespace

std::string check_schema(std::string_view revision, const std::string& definition, const nlohmann::json& value) {
    const json& schema = schema_of(std::string(revision));
    return checker(schema).check(schema.at("$defs").at(definition), value, definition);
}

}  // namespace common::mcp::test
