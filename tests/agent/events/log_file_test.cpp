// What open_log() makes of files that are not as it left them.
#include <fstream>

#include "tests/agent/events/log_fixture.hpp"

namespace agent::events::test {
namespace {

namespace fs = std::filesystem;

class log_file_test : public log_test {
protected:
    fs::path agent() const { return directory_.path() / "agent"; }

    // The whole log in one file, as a backup has it.
    void close() {
        run([](common::db::connection&) {});
        log_.reset();
        ASSERT_FALSE(fs::exists(agent() / "log.db-wal")) << "the last one to close leaves one file";
    }
    std::vector<fs::path> set_aside() const {
        std::vector<fs::path> out;
        for (const auto& e : fs::directory_iterator(agent()))
            if (e.path().filename().string().starts_with("log.db.damaged-")) out.push_back(e.path());
        return out;
    }
    void damage(std::streamoff at) {
        std::fstream file(agent() / "log.db", std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(at);
        file << std::string(4096, '\x5a');
    }
};

TEST_F(log_file_test, a_log_that_was_overwritten_with_its_backup_gets_a_new_id) {
    append({made("a", "one")});
    const std::string id = log_->log_id();
    close();
    fs::copy_file(agent() / "log.db", agent() / "backup");
    open();
    EXPECT_EQ(log_->log_id(), id);
    append({made("a", "two")});
    close();
    {
        // In place: the same inode, so only the mark tells.
        std::ifstream from(agent() / "backup", std::ios::binary);
        std::ofstream(agent() / "log.db", std::ios::binary) << from.rdbuf();
    }
    open();
    EXPECT_NE(log_->log_id(), id);
    EXPECT_EQ(log_->last_seq(), 1);
    const std::string rolled_back = log_->log_id();
    open();
    EXPECT_EQ(log_->log_id(), rolled_back);
}

TEST_F(log_file_test, a_copy_gets_a_new_id) {
    append({made("a", "one")});
    const std::string id = log_->log_id();
    close();
    fs::copy_file(agent() / "log.db", agent() / "copy");
    fs::rename(agent() / "copy", agent() / "log.db");
    open();
    EXPECT_NE(log_->log_id(), id);
    EXPECT_EQ(log_->last_seq(), 1);
}

TEST_F(log_file_test, a_file_that_is_no_database_is_set_aside) {
    append({made("a", "one")});
    const std::string id = log_->log_id();
    close();
    damage(0);
    open();
    EXPECT_NE(log_->log_id(), id);
    EXPECT_EQ(log_->last_seq(), 0);
    ASSERT_EQ(set_aside().size(), 1u);
    EXPECT_NE(log_->trouble().find(set_aside()[0].string()), std::string::npos) << log_->trouble();
    EXPECT_EQ(append({made("a", "goes on")}), 1);
    open();
    EXPECT_EQ(log_->trouble(), "");
    EXPECT_EQ(log_->last_seq(), 1);
}

TEST_F(log_file_test, a_damaged_page_is_found_at_start) {
    for (int i = 0; i < 50; ++i) append({made("a", "x", std::string(3000, 'x'))});
    close();
    damage(20 * 4096);
    open();
    EXPECT_EQ(log_->last_seq(), 0);
    EXPECT_EQ(set_aside().size(), 1u);
}

TEST_F(log_file_test, damage_noted_while_running_is_acted_upon_at_the_next_start) {
    append({made("a", "one")});
    close();
    std::ofstream(agent() / "log.damaged") << "";
    open();
    EXPECT_EQ(log_->last_seq(), 0);
    EXPECT_EQ(set_aside().size(), 1u);
    open();
    EXPECT_EQ(set_aside().size(), 1u);
    EXPECT_EQ(log_->trouble(), "");
}

TEST_F(log_file_test, a_newer_log_and_an_unusable_place_are_refused_with_a_sentence) {
    run([](common::db::connection& c) { c.execute("UPDATE schema_versions SET version = 999"); });
    close();
    const auto newer = open_log(io_.get_executor(), agent().string());
    ASSERT_FALSE(newer);
    EXPECT_TRUE(set_aside().empty()) << "a newer log is not damaged";
    EXPECT_NE(newer.error().message.find("log.db"), std::string::npos);
    EXPECT_NE(newer.error().hint, "");

    std::ofstream(directory_.path() / "file") << "";
    EXPECT_FALSE(open_log(io_.get_executor(), (directory_.path() / "file").string()));
}

}  // namespace
}  // namespace agent::events::test
