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
        std::ifstream file(fmt::format("{}/{}/schema.json", CODEZ_MCP_SCHEMA_DIR, revision));
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
        if (keyword == "allOf") {
            for (const json& one : wanted) {
                std::string wrong = check(one, value, path);
                if (!wrong.empty()) return wrong;
            }
        }
        if (keyword == "maxItems" && value.is_array() && value.size() > wanted) return path + " has too many elements";
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

const json& definitions_of(const json& schema) {
    return schema.contains("$defs") ? schema.at("$defs") : schema.at("definitions");
}

bool has_definition(std::string_view revision, const std::string& definition) {
    return definitions_of(schema_of(std::string(revision))).contains(definition);
}

// The definition whose `method` is that one, of a request or a notification.
std::string definition_of_method(std::string_view revision, const std::string& method) {
    for (const auto& [name, definition] : definitions_of(schema_of(std::string(revision))).items()) {
        const bool is_message = name.ends_with("Request") || name.ends_with("Notification");
        if (is_message && definition.contains("properties") && definition["properties"].contains("method") &&
            definition["properties"]["method"].value("const", "") == method) {
            return name;
        }
    }
    return {};
}

std::string check_result(std::string_view revision, const std::string& method, const json& result) {
    const std::string type = result.value("resultType", "complete");
    if (type == "input_required") return check_schema(revision, "InputRequiredResult", result);
    const std::string request = definition_of_method(revision, method);
    // Tasks are an extension, which the schema does not have.
    if (type == "task" || request.empty()) return check_schema(revision, "Result", result);
    const std::string name = request.substr(0, request.size() - std::string_view("Request").size()) + "Result";
    return check_schema(revision, has_definition(revision, name) ? name : "EmptyResult", result);
}

}  // namespace

std::string check_message(std::string_view revision, const json& message, const std::string& method) {
    if (!message.is_object()) return "it is no object";
    if (message.contains("method")) {
        const std::string said = message["method"];
        const std::string name = definition_of_method(revision, said);
        if (name.empty() && said != "notifications/tasks") return "there is no method " + said;
        return name.empty() ? check_schema(revision, "JSONRPCNotification", message)
                            : check_schema(revision, name, message);
    }
    const bool is_new = has_definition(revision, "JSONRPCErrorResponse");
    if (message.contains("error")) {
        json known = message;
        if (!known.contains("id")) known["id"] = 0;  // older schemas have no answer to what could not be read
        return check_schema(revision, is_new ? "JSONRPCErrorResponse" : "JSONRPCError", known);
    }
    std::string wrong = check_schema(revision, is_new ? "JSONRPCResultResponse" : "JSONRPCResponse", message);
    if (wrong.empty()) wrong = check_result(revision, method, message["result"]);
    return wrong;
}

std::string check_schema(std::string_view revision, const std::string& definition, const nlohmann::json& value) {
    const json& schema = schema_of(std::string(revision));
    return checker(schema).check(definitions_of(schema).at(definition), value, definition);
}

}  // namespace common::mcp::test
