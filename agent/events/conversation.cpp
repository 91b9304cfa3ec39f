#include "agent/events/conversation.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>

#include <simdjson.h>

#include "agent/events/event_rows.hpp"
#include "proto/limits.hpp"

namespace agent::events {

namespace {

using common::db::connection;
namespace ondemand = simdjson::ondemand;

// One message as raw spans: its members without the parts, and the parts by their ids, in the order in which they
// came.
class message {
public:
    // False if the text is not {…, "message": {"id":…, "parts":[…]}}.
    bool read(ondemand::document& body) {
        ondemand::object object;
        if (body["message"].get_object().get(object)) return false;
        for (auto member : object) {
            std::string_view key;
            ondemand::value value;
            if (member.unescaped_key().get(key) || member.value().get(value)) return false;
            if (key == "parts") {
                ondemand::array parts;
                if (value.get_array().get(parts)) return false;
                for (auto part : parts)
                    if (!put(part)) return false;
                continue;
            }
            if (!keep_member(key, value)) return false;
        }
        return !id_.empty();
    }

    bool put(simdjson::simdjson_result<ondemand::value> part) {
        ondemand::object object;
        std::string_view raw;
        std::string_view id;
        if (part.get_object().get(object) || object.raw_json().get(raw) || object.reset().error()) return false;
        if (object["id"].get_string().get(id)) return false;
        const auto [place, added] = places_.try_emplace(std::string(id), parts_.size());
        if (added) {
            parts_.emplace_back(raw);
            bytes_ += raw.size() + 1;
            return true;
        }
        std::string& old = parts_[place->second];
        bytes_ += raw.size() - old.size();
        old = raw;
        return true;
    }

    const std::string& id() const { return id_; }
    std::size_t bytes() const { return head_.size() + bytes_ + 32; }

    std::string json() const {
        std::string out = "{" + head_ + "\"parts\":[";
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (i > 0) out += ',';
            out += parts_[i];
        }
        return out + "]}";
    }

private:
    bool keep_member(std::string_view key, ondemand::value& value) {
        // Names that JSON would escape are not ours.
        if (key.find_first_of("\"\\") != std::string_view::npos) return true;
        std::string_view raw;
        if (simdjson::to_json_string(value).get(raw)) return false;
        head_ += '"';
        head_ += key;
        head_ += "\":";
        head_ += raw;
        head_ += ',';
        if (key == "id" && raw.size() > 2) id_ = raw.substr(1, raw.size() - 2);
        return true;
    }

    std::string id_;
    std::string head_;
    std::vector<std::string> parts_;
    std::unordered_map<std::string, std::size_t> places_;
    std::size_t bytes_ = 0;
};

// Follows the events of a session and keeps the newest messages within the bounds.
class folding {
public:
    explicit folding(conversation_limit limit) : limit_(limit) {}

    void see(const event& e) {
        const simdjson::padded_string text(e.body);
        ondemand::document body;
        if (parser_.iterate(text).get(body)) return;
        if (e.type == "message.created")
            begin(body);
        else
            change(body);
        while (messages_.size() > 1 && (messages_.size() > limit_.messages || bytes_ > limit_.bytes)) drop_oldest();
    }

    conversation result(bool older_exist) && {
        conversation out;
        out.truncated = older_exist || dropped_;
        for (const auto& m : messages_) out.messages.push_back(m->json());
        return out;
    }

private:
    void begin(ondemand::document& body) {
        auto made = std::make_shared<message>();
        if (!made->read(body) || by_id_.contains(made->id())) return;
        bytes_ += made->bytes();
        by_id_.emplace(made->id(), made);
        messages_.push_back(std::move(made));
    }

    void change(ondemand::document& body) {
        std::string_view id;
        if (body["messageId"].get_string().get(id)) return;
        const auto found = by_id_.find(std::string(id));
        if (found == by_id_.end()) return;
        const std::size_t before = found->second->bytes();
        found->second->put(body["part"]);
        bytes_ += found->second->bytes() - before;
    }

    void drop_oldest() {
        bytes_ -= messages_.front()->bytes();
        by_id_.erase(messages_.front()->id());
        messages_.pop_front();
        dropped_ = true;
    }

    conversation_limit limit_;
    ondemand::parser parser_;
    std::deque<std::shared_ptr<message>> messages_;
    std::unordered_map<std::string, std::shared_ptr<message>> by_id_;
    std::size_t bytes_ = 0;
    bool dropped_ = false;
};

conversation fold(connection& c, const std::string& session_id, conversation_limit limit) {
    const auto wanted = static_cast<std::int64_t>(limit.messages);
    const auto seqs = newest_message_seqs(c, session_id, wanted + 1);
    const bool older_exist = seqs.size() > limit.messages;
    if (seqs.empty()) return {};
    std::int64_t after = seqs[older_exist ? 1 : 0] - 1;

    filter f;
    f.session_id = session_id;
    f.types = {"message.created", "message.part.updated", "message.part.completed"};
    folding messages(limit);
    page p;
    do {
        p = read_page(c, f, after, {proto::limits::events_page_max, proto::limits::events_page_bytes_max});
        after = p.next_seq;
        for (const auto& e : p.events) messages.see(e);
    } while (p.has_more);
    return std::move(messages).result(older_exist);
}

}  // namespace

boost::asio::awaitable<proto::result<conversation>> read_conversation(log& source, std::string session_id,
                                                                      conversation_limit limit) {
    limit.messages = std::clamp<std::size_t>(limit.messages, 1, 10'000);
    // Shared: the query may outlive this coroutine.
    auto out = std::make_shared<conversation>();
    std::function<void(connection&)> query = [out, session_id = std::move(session_id), limit](connection& c) {
        *out = fold(c, session_id, limit);
    };
    auto done = co_await source.run_reading(std::move(query));
    if (!done) co_return std::unexpected(std::move(done.error()));
    co_return std::move(*out);
}

}  // namespace agent::events
