// Every recorded stream of the real Claude Code, run through the reducer: nothing that it said is lost, the events fit
// together, and what they come to is written down in captures.golden.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/agent/session/reduce.hpp"

namespace agent::session {
namespace {

using tests::bodies;
using tests::json;
using tests::now_ms;

struct run {
    std::string name;
    std::vector<json> lines;
    std::vector<std::string> ephemeral;  // bodies of all deltas, also of those that a whole part has superseded
    reduction out;                       // of the stream
    reduction end;                       // of the process' end after it
    bool busy = false;                   // at the end of the stream
    events::session_state state = events::session_state::idle;
    turn_memory left;  // after the process' end
};

run run_capture(const std::string& name) {
    run r;
    r.name = name;
    auto reducer = tests::fresh_reducer();
    std::set<std::string> accepted;
    for (const auto& text : tests::captured(name)) {
        const json& line = r.lines.emplace_back(json::parse(text));
        // The prompts as the engine would have accepted them before it wrote them.
        if (line["type"] == "command_lifecycle" && accepted.insert(line["command_uuid"]).second)
            reducer.on_prompt_accepted(line["command_uuid"], "a prompt", now_ms, r.out);
        reduction step;
        tests::feed(reducer, {text}, step);
        for (const auto& event : step.ephemeral) r.ephemeral.push_back(event.body);
        const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
        append(r.out.events, step.events);
        append(r.out.prompts, step.prompts);
        append(r.out.asked, step.asked);
        append(r.out.withdrawn, step.withdrawn);
        append(r.out.refused, step.refused);
        r.out.unreadable += step.unreadable;
    }
    r.busy = reducer.busy();
    r.state = reducer.row().state;
    reducer.on_process_end({}, now_ms, r.end);
    r.left = reducer.memory();
    return r;
}

// Each is run once for all tests: under AddressSanitizer that takes its time.
const run& capture(const std::string& name) {
    static std::map<std::string, run> known;
    const auto found = known.find(name);
    return found != known.end() ? found->second : known.emplace(name, run_capture(name)).first->second;
}

class Captures : public testing::TestWithParam<std::string> {
protected:
    // Every event of the stream and of the process' end.
    std::vector<std::pair<std::string, json>> events() const {
        std::vector<std::pair<std::string, json>> all;
        for (const auto* part : {&run_.out, &run_.end})
            for (const auto& event : part->events) all.emplace_back(event.type, json::parse(event.body));
        return all;
    }
    std::vector<json> of_type(const std::string& type) const {
        std::vector<json> found;
        for (auto& [name, body] : events())
            if (name == type) found.push_back(body);
        return found;
    }
    std::vector<json> finished_parts() const { return of_type("message.part.completed"); }

    const run& run_ = capture(GetParam());
};

TEST_P(Captures, EventsAreOfKnownTypesAndNameTheirSession) {
    const std::set<std::string> known = {"session.updated",
                                         "session.error",
                                         "session.retrying",
                                         "session.idle",
                                         "message.created",
                                         "message.part.updated",
                                         "message.part.completed",
                                         "channel.permission_request",
                                         "channel.permission_resolved",
                                         "task.started",
                                         "task.finished"};
    EXPECT_EQ(run_.out.unreadable, 0);
    for (const auto& [type, body] : events()) {
        EXPECT_TRUE(known.contains(type)) << type;
        EXPECT_EQ(body.value("sessionId", ""), tests::session_id) << type;
    }
}

TEST_P(Captures, EveryMessageAndPartIsToldOnceAndInOrder) {
    std::set<std::string> messages, running, done;
    for (const auto& [type, body] : events()) {
        if (type == "message.created") {
            EXPECT_TRUE(messages.insert(body["message"]["id"]).second) << body;
            for (const auto& part : body["message"]["parts"]) EXPECT_TRUE(done.insert(part["id"]).second) << part;
        } else if (type == "message.part.updated") {
            EXPECT_TRUE(messages.contains(body["messageId"])) << body;
            EXPECT_EQ(body["part"]["state"], "running");
            EXPECT_TRUE(running.insert(body["part"]["id"]).second) << body;
        } else if (type == "message.part.completed") {
            EXPECT_TRUE(messages.contains(body["messageId"])) << body;
            EXPECT_TRUE(done.insert(body["part"]["id"]).second) << body;
        }
    }
    for (const auto& id : running) EXPECT_TRUE(done.contains(id)) << "tool " << id << " never ended";
}

// Read from the raw lines, not with the decoder.
TEST_P(Captures, NothingThatWasSaidIsLost) {
    std::map<std::string, std::string> inputs, results;
    std::multiset<std::string> texts;
    for (const auto& body : of_type("message.part.updated")) inputs[body["part"]["id"]] = body["part"]["input"].dump();
    for (const auto& body : finished_parts()) {
        const json& part = body["part"];
        if (part.contains("text")) texts.insert(part["text"]);
        if (part["type"] == "tool_use") results[part["id"]] = part["result"].dump();
    }
    for (const auto& body : of_type("message.created"))
        for (const auto& part : body["message"]["parts"])
            if (part.contains("text")) texts.insert(part["text"]);
    for (const auto& line : run_.lines) {
        const bool model = line["type"] == "assistant";
        if (!model && (line["type"] != "user" || line.value("isReplay", false))) continue;
        const json& content = line["message"]["content"];
        if (content.is_string()) {
            EXPECT_TRUE(texts.contains(content)) << content;
            continue;
        }
        for (const auto& block : content) {
            if (block["type"] == "text" || block["type"] == "thinking") {
                const auto found = texts.find(block[block["type"].get<std::string>()]);
                ASSERT_NE(found, texts.end()) << block;
                texts.erase(found);
            } else if (block["type"] == "tool_use") {
                EXPECT_EQ(inputs[block["id"]], block["input"].dump());
            } else if (block["type"] == "tool_result") {
                EXPECT_EQ(results[block["tool_use_id"]], block["content"].dump());
            }
        }
    }
}

TEST_P(Captures, DeltasAddUpToTheParts) {
    std::map<std::string, std::string> streamed;
    for (const auto& text : run_.ephemeral) {
        const json body = json::parse(text);
        std::string& so_far = streamed[body["partId"]];
        EXPECT_EQ(body.value("offset", std::size_t{0}), so_far.size());
        so_far += body["delta"].get<std::string>();
    }
    for (const auto& body : finished_parts()) {
        const json& part = body["part"];
        const auto found = streamed.find(part["id"]);
        if (found == streamed.end()) continue;
        if (part["type"] == "tool_use")
            EXPECT_EQ(json::parse(found->second), part["input"]);
        else
            EXPECT_EQ(found->second, part["text"].get<std::string>());
        streamed.erase(found);
    }
    // An interrupted block is never whole.
    if (!run_.name.starts_with("08_")) EXPECT_TRUE(streamed.empty()) << streamed.begin()->first;
}

TEST_P(Captures, EveryResultEndsATurnAndAFailureIsNeverAGoodEnd) {
    std::vector<json> results;
    for (const auto& line : run_.lines)
        if (line["type"] == "result") results.push_back(line);
    const auto ends = bodies(run_.out, "session.idle");
    ASSERT_EQ(ends.size(), results.size());
    std::size_t failed = 0;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        EXPECT_EQ(ends[i]["result"]["isError"], results[i]["is_error"]);
        if (results[i]["is_error"] == true)
            ++failed;
        else
            EXPECT_EQ(ends[i]["result"]["text"], results[i]["result"]);
    }
    const auto errors = bodies(run_.out, "session.error");
    EXPECT_EQ(errors.size(), failed);
    for (const auto& body : errors) {
        EXPECT_FALSE(body["error"].get<std::string>().empty());
        EXPECT_EQ(body["error"].get<std::string>().find("ede_diagnostic"), std::string::npos);
    }
}

TEST_P(Captures, PermissionsTasksAndPromptsHaveOneBeginningAndOneEnd) {
    std::map<std::string, int> requests, tasks, prompts;
    for (const auto& [type, body] : events()) {
        if (type == "channel.permission_request") EXPECT_EQ(++requests[body["request"]["requestId"]], 1) << body;
        if (type == "channel.permission_resolved") EXPECT_EQ(++requests[body["requestId"]], 2) << body;
        if (type == "task.started") EXPECT_EQ(++tasks[body["taskId"]], 1) << body;
        if (type == "task.finished") EXPECT_EQ(++tasks[body["taskId"]], 2) << body;
        if (type == "message.created" && body["message"]["parts"].size() == 1 &&
            body["message"]["parts"][0].value("text", "") == "a prompt")
            prompts[body["message"]["id"]] = 1;
    }
    for (const auto* part : {&run_.out, &run_.end})
        for (const auto& change : part->prompts)
            if (change.outcome) EXPECT_EQ(++prompts[change.uuid], 2) << change.uuid;
    for (const auto* all : {&requests, &tasks, &prompts})
        for (const auto& [id, steps] : *all) EXPECT_EQ(steps, 2) << id;
    EXPECT_TRUE(run_.left.permissions.empty() && run_.left.tasks.empty() && run_.left.tools.empty() &&
                run_.left.prompts.empty() && run_.left.messages.empty());
    EXPECT_FALSE(run_.left.turn_open);
}

std::vector<std::string> names() {
    std::vector<std::string> out;
    for (const auto& file : std::filesystem::directory_iterator(tests::captures())) out.push_back(file.path().stem());
    std::sort(out.begin(), out.end());
    return out;
}

INSTANTIATE_TEST_SUITE_P(All, Captures, testing::ValuesIn(names()), [](const auto& info) { return info.param; });

std::string name_of(events::prompt_state state) { return std::string(events::to_string(state)); }

// What a stream came to, in a few lines.
std::string summary(const run& r) {
    std::string out = r.name + "\n  events: " + tests::types(r.out) + "\n  turns:";
    for (const auto& body : bodies(r.out, "session.idle")) {
        const json& result = body["result"];
        out += " " + result["subtype"].get<std::string>() + "(" + result.value("reason", "") + ")";
    }
    out += "\n  tools:";
    for (const auto& body : bodies(r.out, "message.part.completed"))
        if (body["part"]["type"] == "tool_use")
            out += " " + body["part"]["tool"].get<std::string>() + "=" + body["part"]["state"].get<std::string>();
    out += "\n  asked:";
    for (const auto& row : r.out.asked) out += " " + row.tool_name;
    out += "\n  prompts:";
    for (const auto& change : r.out.prompts)
        if (change.outcome) out += " " + name_of(change.state) + (change.outcome->is_error ? "(error)" : "");
    for (const auto& body : bodies(r.out, "session.error")) out += "\n  error: " + body["error"].get<std::string>();
    out += "\n  left: " + std::string(events::to_string(r.state)) + (r.busy ? ", busy" : "");
    out += "\n  then ended: " + tests::types(r.end) + "\n";
    return out;
}

// CODEZ_WRITE_GOLDEN=1 writes the file anew: read the difference before you keep it.
TEST(CapturesGolden, ComeToWhatIsWrittenDown) {
    std::string got;
    for (const auto& name : names()) got += summary(capture(name));
    if (std::getenv("CODEZ_WRITE_GOLDEN")) std::ofstream(CODEZ_GOLDEN) << got;
    std::ifstream in(CODEZ_GOLDEN);
    const std::string expected((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace agent::session
