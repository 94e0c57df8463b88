// SPDX-License-Identifier: Apache-2.0
#include "output/journal.hpp"

#include <csignal>
#include <fstream>
#include <iterator>
#include <random>
#include <span>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "config/error.hpp"
#include "output/crc32c.hpp"
#include "temporary_folder.hpp"

namespace nuscan {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::string slurp(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void spill(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

std::string error_of(const std::string& path, const std::string& hash, std::uint64_t n_units) {
    try {
        Journal(path, hash, n_units);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

class JournalTest : public testing::Test {
protected:
    //! Writes three records and returns the file's size after each of: header, record 0, 1, 2
    std::vector<std::size_t> write_three() {
        std::vector<std::size_t> sizes;
        Journal journal(path, "abc123", 10);
        sizes.push_back(std::filesystem::file_size(path));
        for (const auto& [unit, text] : content) {
            journal.append(unit, bytes_of(text));
            sizes.push_back(std::filesystem::file_size(path));
        }
        return sizes;
    }

    test::TemporaryFolder folder;
    std::string path = folder / "scan.journal";
    const std::vector<std::pair<std::uint64_t, std::string>> content = {{7, "seven"}, {0, ""}, {3, "three units"}};
};

TEST(Crc32c, GivesTheValuesOfRfc3720) {
    EXPECT_EQ(crc32c("123456789", 9), 0xE3069283u);
    const std::vector<unsigned char> zeros(32, 0), ones(32, 0xFF);
    EXPECT_EQ(crc32c(zeros.data(), 32), 0x8A9136AAu);
    EXPECT_EQ(crc32c(ones.data(), 32), 0x62A8AB43u);
    EXPECT_EQ(crc32c("6789", 4, crc32c("12345", 5)), 0xE3069283u) << "in two pieces";
}

TEST(Crc32c, IsThatOfPolynomialDivisionForAnyLength) {
    std::vector<unsigned char> bytes(3 * 3 * 4096 + 100); // blocks of 4096 are done three at a time
    std::mt19937 random(3);
    for (unsigned char& byte : bytes) {
        byte = static_cast<unsigned char>(random());
    }
    std::uint32_t remainder = ~0u;
    const unsigned char* data = bytes.data() + 1; // not aligned
    for (std::size_t size = 0; size + 1 < bytes.size(); ++size) {
        if (size % 4096 < 10 || size % 12288 < 10 || size % 1001 == 0) {
            ASSERT_EQ(crc32c(data, size), ~remainder) << size;
            ASSERT_EQ(crc32c(data + size / 3, size - size / 3, crc32c(data, size / 3)), ~remainder) << size;
        }
        remainder ^= data[size];
        for (int bit = 0; bit < 8; ++bit) {
            remainder = (remainder >> 1) ^ (remainder & 1 ? 0x82F63B78u : 0);
        }
    }
}

TEST_F(JournalTest, RemembersRecordsAcrossReopening) {
    write_three();
    Journal journal(path, "abc123", 10);
    ASSERT_EQ(journal.size(), 3u);
    for (const auto& [unit, text] : content) {
        EXPECT_EQ(journal.payload(unit), bytes_of(text));
    }
    journal.append(9, bytes_of("nine"));
    EXPECT_EQ(journal.size(), 4u);
}

TEST_F(JournalTest, FirstRecordOfAUnitCounts) {
    const std::size_t size = write_three().back();
    {
        Journal journal(path, "abc123", 10);
        journal.append(7, bytes_of("another"));
        EXPECT_EQ(journal.payload(7), bytes_of("seven"));
        EXPECT_EQ(std::filesystem::file_size(path), size);
    }
    // Two records of unit 7 in the file, as two writers would have left them
    const std::vector<std::size_t> sizes = [&] {
        std::filesystem::remove(path);
        return write_three();
    }();
    const std::string file = slurp(path);
    test::TemporaryFolder other;
    {
        Journal journal(other / "j", "abc123", 10);
        journal.append(7, bytes_of("later"));
    }
    spill(path, file + slurp(other / "j").substr(sizes[0]));
    EXPECT_EQ(journal_state(path).done, 3u);
    Journal journal(path, "abc123", 10);
    EXPECT_EQ(journal.size(), 3u);
    EXPECT_EQ(journal.payload(7), bytes_of("seven"));
}

TEST_F(JournalTest, CutsOffATornEndWhereverItTore) {
    const std::vector<std::size_t> sizes = write_three();
    const std::string whole = slurp(path);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        spill(path, whole.substr(0, size));
        std::size_t n_whole = 0, kept = sizes[0];
        for (std::size_t i = 1; i < sizes.size() && sizes[i] <= size; ++i) {
            n_whole = i;
            kept = sizes[i];
        }
        const JournalState state = journal_state(path); // which leaves the file as it is
        ASSERT_EQ(state.n_units, size < sizes[0] ? 0 : 10) << "torn at " << size;
        ASSERT_EQ(state.done, n_whole) << "torn at " << size;
        ASSERT_EQ(std::filesystem::file_size(path), size);
        {
            Journal journal(path, "abc123", 10);
            ASSERT_EQ(journal.size(), n_whole) << "torn at " << size;
            ASSERT_EQ(std::filesystem::file_size(path), kept) << "torn at " << size;
            journal.append(5, bytes_of("five"));
        }
        Journal again(path, "abc123", 10);
        ASSERT_EQ(again.size(), n_whole + 1) << "torn at " << size;
        ASSERT_EQ(again.payload(5), bytes_of("five"));
    }
}

TEST_F(JournalTest, CutsOffFromADamagedRecordOn) {
    const std::vector<std::size_t> sizes = write_three();
    const std::string whole = slurp(path);
    for (std::size_t record = 0; record < 3; ++record) {
        for (std::size_t at = sizes[record]; at < sizes[record + 1]; ++at) {
            for (const int bit : {0, 7}) {
                std::string damaged = whole;
                damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
                spill(path, damaged);
                Journal journal(path, "abc123", 10);
                ASSERT_EQ(journal.size(), record) << "byte " << at << " bit " << bit;
                ASSERT_EQ(std::filesystem::file_size(path), sizes[record]);
            }
        }
    }
    spill(path, whole + std::string(4096, '\0'));
    EXPECT_EQ(Journal(path, "abc123", 10).size(), 3u) << "zeros, as file systems append them in a crash";
}

TEST_F(JournalTest, TakesAUnitBeyondThePlanForDamage) {
    // A journal of the same plan that claims more units: forge a record of unit 12 with a right checksum.
    const std::size_t size = write_three().back();
    test::TemporaryFolder other;
    std::size_t head = 0;
    {
        Journal larger(other / "j", "abc123", 20);
        head = std::filesystem::file_size(other / "j");
        larger.append(12, bytes_of("twelve"));
    }
    spill(path, slurp(path) + slurp(other / "j").substr(head));
    EXPECT_EQ(Journal(path, "abc123", 10).size(), 3u);
    EXPECT_EQ(std::filesystem::file_size(path), size);
    EXPECT_THROW(Journal(path, "abc123", 10).append(10, {}), std::invalid_argument);
}

TEST_F(JournalTest, RefusesOtherPlansAndOtherFiles) {
    write_three();
    const std::string whole = slurp(path);
    EXPECT_EQ(error_of(path, "abc124", 10),
              path + ": the journal belongs to another scan (its plan differs: the scan file, its data, the method or "
                     "the version of nuscan changed) remove the journal to start over, or use another output file");
    EXPECT_NE(error_of(path, "abc123", 11).find("belongs to another scan"), std::string::npos);
    EXPECT_NE(error_of(path, "abc123456789012", 10).find("belongs to another scan"), std::string::npos);
    EXPECT_EQ(slurp(path), whole) << "a refused journal is left as it was";

    spill(path, "title = \"a scan file, by mistake\"\n");
    EXPECT_NE(error_of(path, "abc123", 10).find("not a journal"), std::string::npos);
    EXPECT_EQ(slurp(path), "title = \"a scan file, by mistake\"\n");
    EXPECT_THROW(journal_state(path), InputError);
    EXPECT_NE(error_of(folder / "none/scan.journal", "abc123", 10).find("No such file or directory"),
              std::string::npos);
}

TEST_F(JournalTest, IsOpenedByOneAtATime) {
    const Journal journal(path, "abc123", 10);
    EXPECT_NE(error_of(path, "abc123", 10).find("in use"), std::string::npos);
}

TEST_F(JournalTest, TakesBackWhatAFullDiskDidNotHold) {
    const std::size_t size = write_three().back();
    Journal journal(path, "abc123", 10);

    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit tight{size + 10, limit.rlim_max}; // the write stops in the middle of the record
    auto* handler = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &tight);
    std::string message;
    try {
        journal.append(1, bytes_of("does not fit"));
    } catch (const std::runtime_error& error) {
        message = error.what();
    }
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, handler);

    EXPECT_EQ(message, path + ": cannot write the journal (File too large)");
    EXPECT_FALSE(journal.contains(1));
    EXPECT_EQ(std::filesystem::file_size(path), size);
    journal.append(1, bytes_of("fits now"));
    EXPECT_EQ(journal.payload(1), bytes_of("fits now"));
    EXPECT_EQ(journal.size(), 4u);
}

} // namespace
} // namespace nuscan
