#include "proto/questions.hpp"

#include <algorithm>
#include <array>

#include "proto/object_reader.hpp"

namespace proto {
namespace {

using detail::decode;
using detail::dump;
using detail::json;
using detail::object_reader;
using detail::text_kind;

constexpr std::array<std::string_view, 4> outcome_names{"answered", "suspended", "unsupported", "unanswered"};

bool is_key(std::string_view key) {
    return !key.empty() && std::ranges::all_of(key, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
               c == '.';
    });
}

std::string read_key(object_reader& r) {
    std::string key = r.text("key", 1, limits::mcp_question_key_bytes_max);
    if (!is_key(key)) r.complain("key", "must be made of letters, digits, dots, dashes and underscores");
    return key;
}

// The raw text of an object; empty if it is not there.
std::string read_object(object_reader& r, const char* name) {
    const json* value = r.member(name);
    if (value == nullptr) return {};
    if (!value->is_object()) return r.complain(name, "must be an object");
    return dump(*value);
}

// `read` gets the reader of each item; keys may not occur twice.
template <class T, class F>
std::vector<T> read_list(object_reader& r, const char* name, F read) {
    std::vector<T> items;
    const json* list = r.member(name);
    if (list == nullptr || !list->is_array() || list->size() > limits::mcp_questions_max) {
        r.complain(name, "must be a list of at most " + std::to_string(limits::mcp_questions_max));
        return items;
    }
    for (const json& item : *list) {
        if (!item.is_object()) {
            r.complain(name, "must hold objects");
            return items;
        }
        object_reader inner(item);
        T one = read(inner);
        if (!inner.complaint().empty()) r.complain(name, "holds a broken one: " + inner.complaint());
        if (std::ranges::find(items, one.key, &T::key) != items.end()) r.complain(name, "has a key twice");
        items.push_back(std::move(one));
    }
    return items;
}

}  // namespace

std::string encode(const ask_message& m) {
    json questions = json::array();
    for (const question& q : m.questions)
        questions.push_back({{"key", q.key}, {"kind", q.kind}, {"params", json::parse(q.params, nullptr, false)}});
    json object{{"questions", std::move(questions)}};
    if (!m.state.empty()) object["state"] = m.state;
    return dump(object);
}

decoded<ask_message> decode_ask(std::string_view text) {
    return decode<ask_message>(text, limits::ask_bytes_max, [](object_reader& r, ask_message& m) {
        m.questions = read_list<question>(r, "questions", [](object_reader& inner) {
            question q;
            q.key = read_key(inner);
            q.kind = inner.one_of("kind", {form_ability});
            q.params = read_object(inner, "params");
            if (q.params.empty()) inner.complain("params", "must be an object");
            return q;
        });
        if (m.questions.empty()) r.complain("questions", "must hold one at least");
        m.state = r.text("state", 0, limits::mcp_state_bytes_max, text_kind::free);
    });
}

std::string encode(const answers_message& m) {
    json object{{"outcome", outcome_names.at(static_cast<std::size_t>(m.outcome))}};
    if (m.outcome == ask_outcome::answered) {
        json answers = json::array();
        for (const question_answer& a : m.answers) {
            json one{{"key", a.key}};
            json result = json::parse(a.result, nullptr, false);
            if (result.is_object()) one["result"] = std::move(result);
            answers.push_back(std::move(one));
        }
        object["answers"] = std::move(answers);
    }
    std::string text = dump(object);
    return decode_answers(text) ? text : encode(answers_message{});
}

decoded<answers_message> decode_answers(std::string_view text) {
    return decode<answers_message>(text, limits::answers_bytes_max, [](object_reader& r, answers_message& m) {
        const std::string name = r.text("outcome", 1, limits::id_bytes_max);
        const auto* found = std::ranges::find(outcome_names, std::string_view(name));
        if (found == outcome_names.end()) {
            r.complain("outcome", "must be answered, suspended, unsupported or unanswered");
            return;
        }
        m.outcome = static_cast<ask_outcome>(found - outcome_names.begin());
        if (m.outcome != ask_outcome::answered) return;
        m.answers = read_list<question_answer>(r, "answers", [](object_reader& inner) {
            question_answer a;
            a.key = read_key(inner);
            a.result = read_object(inner, "result");
            return a;
        });
    });
}

}  // namespace proto
