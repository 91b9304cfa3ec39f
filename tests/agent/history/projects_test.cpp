#include "agent/history/projects.hpp"

#include <gtest/gtest.h>

#include "tests/agent/history/written_file.hpp"

namespace agent::history::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* first_id = "11111111-1111-4111-8111-111111111111";
constexpr const char* second_id = "22222222-2222-4222-8222-222222222222";

class projects_test : public ::testing::Test {
protected:
    // Sets the time of change as well: `age` seconds ago.
    fs::path put(const std::string& slug, const std::string& id, const std::string& content, int age = 0) {
        const auto file = files_.write("projects/" + slug + "/" + id + ".jsonl", content);
        fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::seconds(age));
        return file;
    }
    static std::string captured(const std::string& name) {
        std::ifstream in(fixture(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    const fs::path& config() const { return files_.path(); }

    written_files files_;
};

TEST_F(projects_test, the_configuration_is_where_it_is_said_to_be) {
    EXPECT_EQ(config_directory("", "/home/a"), "/home/a/.claude");
    EXPECT_EQ(config_directory("/etc/claude", "/home/a"), "/etc/claude");
    EXPECT_EQ(config_directory("relative", "/home/a"), "/home/a/.claude");
}

TEST_F(projects_test, nothing_there_is_no_error) {
    EXPECT_TRUE(list_projects(config() / "missing").empty());
    EXPECT_TRUE(list_projects(config()).empty());
    EXPECT_FALSE(list_sessions(config(), "-none"));
    EXPECT_FALSE(find_session(config(), "", first_id));
}

TEST_F(projects_test, lists_projects_newest_first) {
    put("-home-user-work-proj", first_id, captured("tool_use.jsonl"), 100);
    put("-home-user-work-sess", first_id, captured("compact.jsonl"), 50);
    put("-home-user-work-sess", second_id, captured("resume_chain.jsonl"), 40);
    fs::create_directories(config() / "projects/-empty");
    const auto projects = list_projects(config());
    ASSERT_EQ(projects.size(), 2u);
    EXPECT_EQ(projects[0].slug, "-home-user-work-sess");
    EXPECT_EQ(projects[0].path, "/home/user/work/sess");
    EXPECT_EQ(projects[0].session_count, 2);
    EXPECT_GT(projects[0].updated_at, projects[1].updated_at);
    EXPECT_EQ(projects[1].path, "/home/user/work/proj");
}

TEST_F(projects_test, lists_sessions_newest_first) {
    const std::string slug = "-home-user-work-proj";
    put(slug, first_id, captured("tool_use.jsonl"), 100);
    put(slug, second_id,
        captured("api_error_529.jsonl") + R"({"type":"custom-title","customTitle":"  My\n title "})" + "\n", 50);
    const auto sessions = list_sessions(config(), slug);
    ASSERT_TRUE(sessions);
    ASSERT_EQ(sessions->size(), 2u);
    const auto& newest = (*sessions)[0];
    EXPECT_EQ(newest.id, second_id);
    EXPECT_EQ(newest.slug, slug);
    EXPECT_EQ(newest.title, "My title");
    EXPECT_EQ(newest.cwd, "/home/user/work/proj");
    EXPECT_EQ(newest.created_at, 1795238069356);
    EXPECT_EQ(newest.last_message_at, 1795238070042);
    EXPECT_GT(newest.updated_at, (*sessions)[1].updated_at);
    EXPECT_TRUE((*sessions)[1].title.starts_with("please run SCRIPT"));
    EXPECT_LE((*sessions)[1].title.size(), 120u);
    EXPECT_EQ(list_sessions(config(), slug, 1)->size(), 1u);
}

TEST_F(projects_test, finds_one_session_with_or_without_its_project) {
    put("-a", first_id, captured("tool_use.jsonl"));
    EXPECT_EQ(find_session(config(), "", first_id)->slug, "-a");
    EXPECT_EQ(find_session(config(), "-a", first_id)->id, first_id);
    EXPECT_FALSE(find_session(config(), "-b", first_id));
    EXPECT_FALSE(find_session(config(), "", second_id));
    for (const std::string& bad : {std::string(), std::string(".."), "../-a/" + std::string(first_id),
                                   std::string(first_id).replace(35, 1, "/")})
        EXPECT_FALSE(find_session(config(), "", bad)) << bad;
    for (const std::string bad : {"..", "-a/../-a", "-a/", "."}) {
        EXPECT_FALSE(find_session(config(), bad, first_id)) << bad;
        EXPECT_FALSE(list_sessions(config(), bad)) << bad;
    }
}

TEST_F(projects_test, never_follows_links_and_survives_junk) {
    files_.write("outside/secret/" + std::string(first_id) + ".jsonl", captured("tool_use.jsonl"));
    fs::create_directories(config() / "projects/-linked");
    fs::create_directory_symlink(config() / "outside/secret", config() / "projects/-link");
    fs::create_symlink(config() / "outside/secret" / (std::string(first_id) + ".jsonl"),
                       config() / "projects/-linked" / (std::string(first_id) + ".jsonl"));
    EXPECT_TRUE(list_projects(config()).empty());
    EXPECT_FALSE(list_sessions(config(), "-link"));
    EXPECT_TRUE(list_sessions(config(), "-linked")->empty());
    EXPECT_FALSE(find_session(config(), "", first_id));

    put("-junk", first_id, std::string("\x00\xff{\"cwd\":\n", 10) + std::string(400'000, 'x') + "\n{\"half");
    put("-junk", second_id, "");
    put("-junk", "agent-a1", captured("tool_use.jsonl"));
    const auto sessions = list_sessions(config(), "-junk");
    ASSERT_EQ(sessions->size(), 2u);
    EXPECT_EQ((*sessions)[0].title, "");
    EXPECT_GT((*sessions)[0].created_at, 0);
    EXPECT_EQ(list_projects(config())[0].path, "");
}

TEST_F(projects_test, titles_and_times_of_a_large_transcript_are_at_its_ends) {
    std::string content = captured("tool_use.jsonl");
    for (int i = 0; i < 300; ++i) content += R"({"type":"api-request-blob","x":")" + std::string(4000, 'x') + "\"}\n";
    content += R"({"type":"user","uuid":"late","timestamp":"2026-12-24T00:00:00.000Z","message":{"content":"late"}})"
               "\n";
    put("-a", first_id, content);
    const auto s = find_session(config(), "-a", first_id);
    ASSERT_TRUE(s);
    EXPECT_TRUE(s->title.starts_with("please run SCRIPT"));
    EXPECT_EQ(s->last_message_at, 1798070400000);
}

TEST_F(projects_test, names_the_repository_and_the_worktree) {
    const auto project_at = [this](const std::string& slug, const fs::path& cwd) {
        put(slug, first_id, R"({"type":"user","cwd":")" + cwd.string() + "\"}\n");
        for (const auto& p : list_projects(config()))
            if (p.slug == slug) return p;
        return project();
    };
    fs::create_directories(config() / "repo/.git/worktrees/feature");
    fs::create_directories(config() / "repo/sub/deeper");
    files_.write("trees/one/.git", "gitdir: " + (config() / "repo/.git/worktrees/feature").string() + "\n");
    files_.write("module/.git", "gitdir: ../.git/modules/module\n");
    EXPECT_EQ(project_at("-sub", config() / "repo/sub/deeper").repo_name, "repo");
    const auto tree = project_at("-tree", config() / "trees/one");
    EXPECT_EQ(tree.repo_name, "repo");
    EXPECT_EQ(tree.worktree_label, "feature");
    EXPECT_EQ(project_at("-module", config() / "module").repo_name, "module");
    EXPECT_EQ(project_at("-none", "/nowhere/at/all").repo_name, "");
}

}  // namespace
}  // namespace agent::history::test
