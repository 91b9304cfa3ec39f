#include "agent/uploads/spool.hpp"

#include <fstream>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/uploads/media_type.hpp"
#include "agent/uploads/new_file.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

namespace agent::uploads {

namespace fs = std::filesystem;
using nlohmann::json;
using proto::error_code;

namespace {

constexpr std::string_view note_suffix = ".json";
constexpr std::string_view part_suffix = ".part";

json note_of(const upload& u) {
    return {{"id", u.id},
            {"owner", u.owner},
            {"name", u.name},
            {"bytes", u.bytes},
            {"sha256", u.sha256},
            {"media_type", u.media_type},
            {"expires_at", u.expires_at_ms}};
}

// What lies beside the file; nullopt if this is not such a note.
std::optional<upload> read_note(const fs::path& path) {
    std::ifstream in(path);
    const json note = json::parse(in, nullptr, false);
    if (!note.is_object()) return std::nullopt;
    try {
        return upload{note.at("id"),     note.at("owner"),      note.at("name"),      note.at("bytes"),
                      note.at("sha256"), note.at("media_type"), note.at("expires_at")};
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

}  // namespace

std::string to_json(const upload& u) {
    const json out{{"upload_id", u.id},          {"name", u.name},
                   {"bytes", u.bytes},           {"sha256", u.sha256},
                   {"media_type", u.media_type}, {"expires_at", u.expires_at_ms}};
    return out.dump();
}

// What one upload takes of the bounds while it comes.
class spool::place {
public:
    place(spool& all, std::uint64_t bytes) : all_(all), bytes_(bytes) {
        ++all_.receiving_;
        all_.bytes_ += bytes_;
    }
    ~place() {
        --all_.receiving_;
        all_.bytes_ -= bytes_;
    }
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    // From now on the kept upload counts for itself.
    void hand_over() { bytes_ = 0; }

private:
    spool& all_;
    std::uint64_t bytes_;
};

spool::spool(common::async::blocking_pool& pool, fs::path directory, spool_options options)
    : pool_(pool), directory_(std::move(directory)), options_(std::move(options)) {}

proto::result<void> spool::open() {
    std::error_code ec;
    fs::create_directories(directory_, ec);
    if (!ec) fs::permissions(directory_, fs::perms::owner_all, ec);
    if (ec)
        return proto::fail(error_code::internal,
                           fmt::format("{} cannot be made: {}.", directory_.string(), ec.message()));
    for (const auto& entry : fs::directory_iterator(directory_, ec)) {
        if (entry.path().extension() != note_suffix) continue;
        auto note = read_note(entry.path());
        if (!note || note->id + std::string(note_suffix) != entry.path().filename()) continue;
        const auto size = fs::file_size(file_of(*note), ec);
        if (ec || size != note->bytes) continue;
        bytes_ += note->bytes;
        kept_.emplace(note->id, std::move(*note));
    }
    for (const auto& entry : fs::directory_iterator(directory_, ec)) {
        std::error_code ignored;
        if (!kept_.contains(entry.path().stem().string()) || entry.path().extension() == part_suffix)
            fs::remove(entry.path(), ignored);
    }
    drop_expired();
    return {};
}

void spool::drop_expired() {
    const auto now = options_.now_ms();
    std::erase_if(kept_, [&](const auto& entry) {
        const auto& [id, one] = entry;
        if (one.expires_at_ms > now) return false;
        std::error_code ignored;  // what is left is removed when the agent starts again
        fs::remove(directory_ / (id + std::string(note_suffix)), ignored);
        fs::remove(file_of(one), ignored);
        bytes_ -= one.bytes;
        return true;
    });
}

proto::result<void> spool::make_room_for(std::uint64_t bytes) {
    if (receiving_ >= options_.receiving_max)
        return proto::fail(error_code::resource_exhausted, "This machine receives as many uploads as it can.",
                           "Send the file again when some of them have ended.");
    drop_expired();
    if (kept_.size() + receiving_ < options_.kept_max && bytes_ + bytes <= options_.kept_bytes_max) return {};
    return proto::fail(error_code::resource_exhausted, "This machine keeps as many uploads as it may.",
                       "Each is dropped a day after it came; send the file again then.");
}

boost::asio::awaitable<proto::result<void>> spool::on_pool(std::function<proto::result<void>()> job) {
    auto done = co_await pool_.run(std::move(job));
    if (done) co_return std::move(*done);
    co_return proto::fail(error_code::resource_exhausted, "The machine is busy.", "Try again in a moment.");
}

boost::asio::awaitable<proto::result<upload>> spool::receive(incoming what, byte_source& from) {
    if (auto room = make_room_for(what.bytes); !room) co_return std::unexpected(std::move(room.error()));
    place taken(*this, what.bytes);
    upload made;
    made.id = "up_" + common::crypto::random_token(24);
    made.owner = std::move(what.owner);
    made.name = safe_name(what.name);

    const auto file = std::make_shared<new_file>(directory_ / (made.id + std::string(part_suffix)));
    auto opening = [file] { return file->open(); };
    auto done = co_await on_pool(std::move(opening));
    std::uint64_t received = 0;
    while (done) {
        auto piece = co_await from.next();
        if (!piece) co_return std::unexpected(std::move(piece.error()));
        received += piece->size();
        if (piece->empty() || received > what.bytes) break;
        auto writing = [file, bytes = std::move(*piece)] { return file->write(bytes); };
        done = co_await on_pool(std::move(writing));
    }
    if (!done) co_return std::unexpected(std::move(done.error()));
    if (received != what.bytes)
        co_return proto::fail(error_code::invalid_argument,
                              fmt::format("The upload was to have {} bytes, but {} came.", what.bytes, received),
                              "Send the file again.");
    made.bytes = received;
    made.sha256 = common::crypto::hex_encode(file->sha256());
    made.media_type = media_type_of(file->beginning());
    made.expires_at_ms = options_.now_ms() + proto::limits::upload_keep_ms;
    // The file first: a note tells that its file is whole.
    auto keeping = [file, path = file_of(made), note = note_of(made).dump()]() -> proto::result<void> {
        if (auto kept = file->keep(path); !kept) return kept;
        auto noted = write_small_file(path.string() + std::string(note_suffix), note);
        std::error_code ignored;
        if (!noted) fs::remove(path, ignored);
        return noted;
    };
    done = co_await on_pool(std::move(keeping));
    if (!done) co_return std::unexpected(std::move(done.error()));
    taken.hand_over();
    kept_.emplace(made.id, made);
    co_return made;
}

proto::result<std::vector<upload>> spool::find(std::string_view owner, const std::vector<std::string>& ids) {
    drop_expired();
    std::vector<upload> out;
    for (const auto& id : ids) {
        const auto found = kept_.find(id);
        if (found == kept_.end() || found->second.owner != owner)
            return proto::fail(error_code::not_found,
                               fmt::format("`uploads`: there is no upload {} of yours here.", id),
                               "Upload the file again to the session's machine; uploads are kept for a day.");
        out.push_back(found->second);
    }
    return out;
}

}  // namespace agent::uploads
