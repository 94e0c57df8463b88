// SPDX-License-Identifier: Apache-2.0
#include "output/result_file.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <hdf5_hl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child_process.hpp"
#include "config/error.hpp"
#include "output/hdf5.hpp"
#include "output/undo_file.hpp"
#include "sanitized.hpp"
#include "system_calls.hpp"
#include "temporary_folder.hpp"

namespace nuscan {
namespace {

ResultLayout layout_2d() {
    ResultLayout layout;
    layout.kept = {{"magnetic_moment.universal", "mu_B", "magnetic moment", {0, 1e-11, 2e-11, 3e-11, 4e-11}},
                   {"charge.universal", "e", "electric charge", {-3e-13, -1e-13, 0, 1e-13, 2e-13, 3e-13, 5e-13}}};
    layout.profiled = {{"theta23", "rad", "mixing angle theta23", {}}, {"lz-2022.background", "1", "background", {}}};
    layout.chunk = {2, 3};
    layout.attributes = {{"title", "µ against e"}, {"n", std::int64_t{3}}, {"precision", 1e-9}, {"scan_toml", ""}};
    return layout;
}

//! A value of its own for every point and variable
double value_at(std::size_t variable, std::int64_t flat) {
    return 100.0 * static_cast<double>(variable + 1) + std::sqrt(static_cast<double>(flat));
}

void fill(ResultTile& tile, const ResultLayout& layout) {
    tile.chi2.clear();
    tile.status.clear();
    tile.profiled.assign(layout.profiled.size(), {});
    std::vector<std::int64_t> at = tile.begin;
    std::int64_t n_points = 1;
    for (const std::int64_t count : tile.count) {
        n_points *= count;
    }
    for (std::int64_t point = 0; point < n_points; ++point) {
        std::int64_t flat = 0, rest = point;
        std::vector<std::int64_t> index(at.size());
        for (std::size_t i = at.size(); i-- > 0;) {
            index[i] = tile.begin[i] + rest % tile.count[i];
            rest /= tile.count[i];
        }
        for (std::size_t i = 0; i < at.size(); ++i) {
            flat = flat * static_cast<std::int64_t>(layout.kept[i].values.size()) + index[i];
        }
        tile.chi2.push_back(value_at(0, flat));
        tile.status.push_back(static_cast<std::uint8_t>(flat % 4));
        for (std::size_t p = 0; p < tile.profiled.size(); ++p) {
            tile.profiled[p].push_back(value_at(p + 1, flat));
        }
    }
}

std::vector<ResultTile> tiles_of(const ResultLayout& layout) {
    std::vector<ResultTile> tiles(1);
    for (std::size_t i = 0; i < layout.kept.size(); ++i) {
        std::vector<ResultTile> longer;
        const auto size = static_cast<std::int64_t>(layout.kept[i].values.size());
        for (const ResultTile& tile : tiles) {
            for (std::int64_t begin = 0; begin < size; begin += layout.chunk[i]) {
                longer.push_back(tile);
                longer.back().begin.push_back(begin);
                longer.back().count.push_back(std::min(layout.chunk[i], size - begin));
            }
        }
        tiles = longer;
    }
    for (ResultTile& tile : tiles) {
        fill(tile, layout);
    }
    return tiles;
}

void write_all(const std::string& path, const ResultLayout& layout, const std::vector<ResultTile>& tiles) {
    ResultWriter writer(path, layout, false);
    for (const ResultTile& tile : tiles) {
        writer.write(tile);
    }
    writer.finish({{"chi2_min", 1.5}});
}

void expect_complete(const Result& result, const ResultLayout& layout) {
    for (std::size_t i = 0; i < result.chi2.size(); ++i) {
        const auto flat = static_cast<std::int64_t>(i);
        ASSERT_EQ(result.chi2[i], value_at(0, flat));
        ASSERT_EQ(result.status[i], flat % 4);
        for (std::size_t p = 0; p < layout.profiled.size(); ++p) {
            ASSERT_EQ(result.profiled_at[p][i], value_at(p + 1, flat));
        }
    }
}

template <class Call>
std::string error_of(Call&& call) {
    try {
        call();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

class ResultFile : public ::testing::Test {
protected:
    test::TemporaryFolder folder;
    std::string path = folder / "lz.h5";
    std::string partial = path + ".partial";
    ResultLayout layout = layout_2d();
};

TEST_F(ResultFile, ReadsBackWhatWasWritten) {
    write_all(path, layout, tiles_of(layout));
    EXPECT_FALSE(std::filesystem::exists(partial));
    EXPECT_FALSE(std::filesystem::exists(partial + ".new"));

    const Result result = read_result(path);
    ASSERT_EQ(result.kept.size(), 2u);
    ASSERT_EQ(result.profiled.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(result.kept[i].name, layout.kept[i].name);
        EXPECT_EQ(result.kept[i].unit, layout.kept[i].unit);
        EXPECT_EQ(result.kept[i].long_name, layout.kept[i].long_name);
        EXPECT_EQ(result.kept[i].values, layout.kept[i].values);
        EXPECT_EQ(result.profiled[i].name, layout.profiled[i].name);
        EXPECT_EQ(result.profiled[i].unit, layout.profiled[i].unit);
    }
    ASSERT_EQ(result.chi2.size(), 35u);
    expect_complete(result, layout);

    Attributes expected = layout.attributes;
    expected["chi2_min"] = 1.5;
    expected["Conventions"] = "CF-1.8";
    EXPECT_EQ(result.attributes, expected);
}

TEST_F(ResultFile, HoldsLongAttributes) {
    layout.attributes["scan_toml"] = std::string(300'000, 'x'); // beyond the 64 KiB of an object header
    write_all(path, layout, tiles_of(layout));
    EXPECT_EQ(read_result(path).attributes.at("scan_toml"), layout.attributes.at("scan_toml"));
}

TEST_F(ResultFile, HoldsOneValueWhereNoAxisIsKept) {
    layout.kept.clear();
    layout.chunk.clear();
    write_all(path, layout, tiles_of(layout));
    const Result result = read_result(path);
    ASSERT_EQ(result.chi2.size(), 1u);
    expect_complete(result, layout);
}

TEST_F(ResultFile, TakesChunksLargerThanTheGrid) {
    layout.chunk = {64, 3};
    write_all(path, layout, tiles_of(layout));
    expect_complete(read_result(path), layout);
}

TEST_F(ResultFile, ReadsTilesBackAndMarksMissingOnes) {
    const std::vector<ResultTile> tiles = tiles_of(layout);
    ResultWriter writer(path, layout, false);
    writer.write(tiles[4]);
    ResultTile tile;
    tile.begin = tiles[4].begin;
    tile.count = tiles[4].count;
    writer.read(tile);
    EXPECT_EQ(tile.chi2, tiles[4].chi2);
    EXPECT_EQ(tile.status, tiles[4].status);
    EXPECT_EQ(tile.profiled, tiles[4].profiled);

    tile.begin = tiles[0].begin;
    tile.count = tiles[0].count;
    writer.read(tile);
    for (std::size_t i = 0; i < tile.chi2.size(); ++i) {
        EXPECT_EQ(tile.status[i], 255);
    }
}

//! The bytes of a variable as they stand in the file
std::string raw_bytes(const std::string& path, const std::string& name) {
    const hdf5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    const hdf5::Handle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
    std::ifstream stream(path, std::ios::binary);
    const std::string whole(std::istreambuf_iterator<char>(stream), {});
    std::string bytes;
    const hdf5::Handle space(H5Dget_space(dataset), H5Sclose);
    hsize_t n_chunks = 0;
    H5Dget_num_chunks(dataset, space, &n_chunks);
    for (hsize_t i = 0; i < n_chunks; ++i) {
        haddr_t address = 0;
        hsize_t offset[2], size = 0;
        unsigned filters = 0;
        H5Dget_chunk_info(dataset, space, i, offset, &filters, &address, &size);
        bytes += whole.substr(address, size);
    }
    return bytes;
}

TEST_F(ResultFile, BytesDoNotDependOnTheOrderOfTiles) {
    std::vector<ResultTile> tiles = tiles_of(layout);
    write_all(path, layout, tiles);
    std::vector<std::string> expected;
    for (const char* name : {"chi2", "status", "theta23"}) {
        expected.push_back(raw_bytes(path, name));
        ASSERT_GT(expected.back().size(), 35u);
    }
    std::mt19937 random(7);
    for (int repetition = 0; repetition < 5; ++repetition) {
        std::shuffle(tiles.begin(), tiles.end(), random);
        const std::string other = folder / "other.h5";
        write_all(other, layout, tiles);
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_TRUE(raw_bytes(other, std::vector<const char*>{"chi2", "status", "theta23"}[i]) == expected[i]);
        }
    }
}

TEST_F(ResultFile, GivesOutAllSpaceAtOnce) {
    // So tiles change no metadata, which is why a file that a kill left behind opens.
    ResultWriter writer(path, layout, false);
    const auto size = std::filesystem::file_size(partial);
    for (const ResultTile& tile : tiles_of(layout)) {
        writer.write(tile);
        EXPECT_EQ(std::filesystem::file_size(partial), size);
    }
}

TEST_F(ResultFile, ResumesAndFinishes) {
    const std::vector<ResultTile> tiles = tiles_of(layout);
    for (std::size_t i = 0; i < tiles.size(); ++i) {
        ResultWriter(path, layout, true).write(tiles[i]);
    }
    ResultWriter writer(path, layout, true);
    writer.finish({{"title", "another title"}, {"chi2_min", 1.5}});
    EXPECT_THROW(writer.write(tiles[0]), std::logic_error);
    const Result result = read_result(path);
    expect_complete(result, layout);
    EXPECT_EQ(result.attributes.at("title"), Attribute("another title"));
}

TEST_F(ResultFile, StartsOverWithoutResume) {
    ResultWriter(path, layout, false).write(tiles_of(layout)[0]);
    const ResultWriter writer(path, layout, false);
    ResultTile tile;
    tile.begin = {0, 0};
    tile.count = {1, 1};
    writer.read(tile);
    EXPECT_EQ(tile.status[0], 255);
}

TEST_F(ResultFile, RefusesToResumeAnotherScan) {
    { ResultWriter writer(path, layout, false); }
    const auto refusal = [&](const ResultLayout& other) { return error_of([&] { ResultWriter(path, other, true); }); };
    ResultLayout other = layout;
    other.kept[1].values[2] = 1e-15;
    EXPECT_EQ(refusal(other), partial + ": the unfinished result belongs to another scan (its axis charge.universal "
                                        "has other values) remove it to start over, or use another output file");
    other = layout;
    other.kept[1].values.pop_back();
    EXPECT_NE(refusal(other).find("charge.universal has 7 values, not 6"), std::string::npos);
    other = layout;
    std::swap(other.kept[0], other.kept[1]);
    EXPECT_NE(refusal(other).find("its axes are \"magnetic_moment.universal charge.universal\""), std::string::npos);
    other = layout;
    other.profiled.pop_back();
    EXPECT_NE(refusal(other).find("it profiles"), std::string::npos);
    other = layout;
    other.chunk = {2, 2};
    EXPECT_NE(refusal(other).find("chunks"), std::string::npos);
    EXPECT_EQ(refusal(layout), "");

    std::ofstream(partial) << "no HDF5";
    EXPECT_NE(refusal(layout).find("cannot open the unfinished result"), std::string::npos);
}

TEST_F(ResultFile, RefusesTilesThatDoNotFit) {
    ResultWriter writer(path, layout, false);
    const ResultTile good = tiles_of(layout)[0];
    ResultTile tile = good;
    tile.begin = {1, 0};
    EXPECT_THROW(writer.write(tile), std::invalid_argument) << "not aligned";
    tile = good;
    tile.count = {1, 3};
    EXPECT_THROW(writer.write(tile), std::invalid_argument) << "part of a chunk";
    tile = good;
    tile.begin = {4, 6};
    EXPECT_THROW(writer.write(tile), std::invalid_argument) << "outside";
    tile = good;
    tile.chi2.pop_back();
    EXPECT_THROW(writer.write(tile), std::invalid_argument);
    tile = good;
    tile.profiled.pop_back();
    EXPECT_THROW(writer.write(tile), std::invalid_argument);
    writer.write(good);
}

TEST_F(ResultFile, RefusesToReadWhatIsNoFinishedResult) {
    const auto refusal = [](const std::string& file) { return error_of([&] { read_result(file); }); };
    EXPECT_EQ(refusal(path), path + ": no such file");
    { ResultWriter writer(path, layout, false); }
    EXPECT_EQ(refusal(partial), partial + ": not finished (a scan stopped before its end) run the same \"nuscan scan\" "
                                          "again to resume?");
    EXPECT_EQ(refusal(path),
              path + ": no such file (only " + partial + " is there) run the same \"nuscan scan\" again to resume it?");

    std::ofstream(path) << "no HDF5";
    EXPECT_EQ(refusal(path), path + ": not an HDF5 file (expected a result) is this the file a \"nuscan scan\" wrote?");
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    EXPECT_EQ(refusal(path), path + ": is a folder (expected a result) is this the file a \"nuscan scan\" wrote?");
    std::filesystem::remove(path);
    write_all(path, layout, tiles_of(layout));
    std::filesystem::resize_file(path, 100); // of which the first bytes are those of HDF5
    const std::string cut = refusal(path);
    EXPECT_NE(cut.find("cannot read it as HDF5 ("), std::string::npos);
    EXPECT_EQ(cut.find('\n'), std::string::npos) << cut;
    std::filesystem::remove(path);

    write_all(path, layout, tiles_of(layout));
    {
        const hdf5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
        H5Ldelete(file, "theta23", H5P_DEFAULT);
    }
    EXPECT_EQ(refusal(path), path + ": not a result of nuscan (it has no variable \"theta23\") is this the file a "
                                    "\"nuscan scan\" wrote?");
    {
        const hdf5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
        H5Ldelete(file, "status", H5P_DEFAULT);
    }
    EXPECT_NE(refusal(path).find("it has no variable \"status\""), std::string::npos);

    std::filesystem::remove(path);
    write_all(path, layout, tiles_of(layout));
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    EXPECT_NE(refusal(path), "");
}

TEST_F(ResultFile, RefusesToReadWhatIsNotFinishedWhateverItsName) {
    const auto refusal = [&] { return error_of([&] { read_result(path); }); };
    const auto sentence = [&](const std::string& what) {
        return path + ": not finished (it lacks " + what + ") run the scan again, with --overwrite?";
    };
    std::vector<ResultTile> tiles = tiles_of(layout);
    { ResultWriter(path, layout, false).write(tiles[0]); }
    std::filesystem::rename(partial, path);
    EXPECT_EQ(refusal(), sentence("29 of 35 points and the attribute chi2_min"));
    {
        ResultWriter writer(path, layout, false);
        for (const ResultTile& tile : tiles) {
            writer.write(tile);
        }
    }
    std::filesystem::rename(partial, path);
    EXPECT_EQ(refusal(), sentence("the attribute chi2_min"));
    tiles.pop_back();
    write_all(path, layout, tiles);
    EXPECT_EQ(refusal(), sentence("1 of 35 points"));
}

//! What takes the result's name is the file that was written, or nothing.
TEST_F(ResultFile, DoesNotFinishAFileThatIsNotItsOwn) {
    const std::vector<ResultTile> tiles = tiles_of(layout);
    for (const bool replaced : {false, true}) {
        ResultWriter writer(path, layout, false);
        for (const ResultTile& tile : tiles) {
            writer.write(tile);
        }
        std::filesystem::remove(partial);
        if (replaced) {
            ResultWriter(path, layout, false).write(tiles[0]); // of another process
        }
        try {
            writer.finish({{"chi2_min", 1.5}});
            ADD_FAILURE() << "finished";
        } catch (const std::runtime_error& error) {
            EXPECT_EQ(error.what(), partial + ": cannot finish the file (it is not the one that was written)");
        }
        EXPECT_FALSE(std::filesystem::exists(path));
        EXPECT_FALSE(std::filesystem::exists(partial + ".undo"));
        EXPECT_EQ(std::filesystem::exists(partial), replaced);
    }
}

//! Makes the file where only 4 KiB fit, and ends the process with the error's text on its standard error.
[[noreturn]] void make_on_a_full_disk(const std::string& path, const ResultLayout& layout) {
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 4096;
    std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
        ResultWriter writer(path, layout, false);
    } catch (const std::runtime_error& error) {
        std::cerr << error.what() << std::endl;
        ::_exit(1);
    }
    ::_exit(0);
}

TEST_F(ResultFile, ReportsAFullDisk) {
    layout.kept[0].values.resize(5000);
    std::iota(layout.kept[0].values.begin(), layout.kept[0].values.end(), 0.0);
    // In a process of its own: HDF5 loses the memory of a file it could not close.
    EXPECT_EXIT(make_on_a_full_disk(path, layout), ::testing::ExitedWithCode(1),
                "^" + partial + ".new: .*File too large");
    EXPECT_FALSE(std::filesystem::exists(partial));
    EXPECT_FALSE(std::filesystem::exists(partial + ".new"));
}

//! Memory that a child shares with the test
struct Shared {
    std::size_t* tiles = static_cast<std::size_t*>(
        ::mmap(nullptr, sizeof(std::size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    Shared() { *tiles = 0; }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared() { ::munmap(tiles, sizeof *tiles); }
};

//! Kills a writer at each of its changes of a file, one after the other, before it and halfway through it.
TEST_F(ResultFile, OpensAfterEveryKill) {
    layout.kept[0].values.resize(4);
    layout.chunk = {2, 4};
    const std::vector<ResultTile> tiles = tiles_of(layout);
    ASSERT_EQ(tiles.size(), 4u);
    const Attributes end = {{"chi2_min", 1.5}, {"title", std::string(300, 't')}};
    std::set<std::size_t> tiles_at_kills;
    bool killed = true;
    std::uint64_t n_changes = 0;
    while (killed) {
        n_changes += testing::sanitized ? 5 : 1;
        for (const bool half : {false, true}) {
            SCOPED_TRACE("change " + std::to_string(n_changes) + (half ? ", half of it" : ""));
            const test::TemporaryFolder files;
            const std::string result = files / "lz.h5";
            const Shared done;
            test::Child child([&](const test::Child::Gate&) {
                test::kill_at_change(n_changes, half);
                ResultWriter writer(result, layout, true);
                for (const ResultTile& tile : tiles) {
                    writer.write(tile);
                    ++*done.tiles;
                }
                writer.finish(end);
                return 0;
            });
            const int status = child.wait();
            killed = status != 0;
            ASSERT_TRUE(status == 0 || status == -SIGKILL) << "the child failed: " << status;
            tiles_at_kills.insert(*done.tiles);
            if (!std::filesystem::exists(result)) {
                ResultWriter writer(result, layout, true);
                for (std::size_t i = 0; i < *done.tiles; ++i) {
                    ResultTile tile;
                    tile.begin = tiles[i].begin;
                    tile.count = tiles[i].count;
                    writer.read(tile);
                    ASSERT_EQ(tile.chi2, tiles[i].chi2) << "tile " << i;
                    ASSERT_EQ(tile.status, tiles[i].status);
                    ASSERT_EQ(tile.profiled, tiles[i].profiled);
                }
                for (std::size_t i = *done.tiles; i < tiles.size(); ++i) {
                    writer.write(tiles[i]);
                }
                writer.finish(end);
            }
            const Result whole = read_result(result);
            expect_complete(whole, layout);
            EXPECT_EQ(whole.attributes.at("title"), end.at("title"));
        }
    }
    EXPECT_EQ(tiles_at_kills.size(), tiles.size() + 1) << "kills come before, amid and after all tiles";
}

std::string slurp(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

//! Attributes that need more space than there is in the file
Attributes long_attributes() {
    Attributes attributes = {{"title", "another title"}, {"chi2_min", 1.5}};
    for (int i = 0; i < 20; ++i) {
        attributes["late" + std::to_string(i)] = std::string(2000, 'x');
    }
    return attributes;
}

TEST_F(ResultFile, FinishesOrGoesOnAfterAFailedFinish) {
    // A limit on the file's size stops HDF5 in the middle of finishing, after it has changed the file.
    const std::vector<ResultTile> tiles = tiles_of(layout);
    {
        ResultWriter writer(path, layout, false);
        for (const ResultTile& tile : tiles) {
            writer.write(tile);
        }
    }
    const std::string before = slurp(partial);
    test::Child child([&](const test::Child::Gate&) {
        ResultWriter writer(path, layout, true);
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        const rlimit tight{before.size() + 3000, limit.rlim_max};
        std::signal(SIGXFSZ, SIG_IGN);
        ::setrlimit(RLIMIT_FSIZE, &tight);
        try {
            writer.finish(long_attributes());
        } catch (const std::runtime_error&) {
            ::_exit(3);
        }
        return 0;
    });
    ASSERT_EQ(child.wait(), 3) << "finishing was to fail";
    ASSERT_FALSE(std::filesystem::exists(path));
    ASSERT_TRUE(slurp(partial).substr(24) != before.substr(24));

    ResultWriter writer(path, layout, true);
    // Beyond the superblock's mark of a file that is open for writing; compared without printing the bytes.
    EXPECT_TRUE(slurp(partial).substr(24) == before.substr(24));
    EXPECT_FALSE(std::filesystem::exists(partial + ".undo"));
    writer.finish(long_attributes());
    EXPECT_FALSE(std::filesystem::exists(partial + ".undo"));
    const Result result = read_result(path);
    expect_complete(result, layout);
    EXPECT_EQ(result.attributes.at("late19"), Attribute(std::string(2000, 'x')));
}

TEST_F(ResultFile, FinishingChangesOnlyWhatIsSaved) {
    // Long strings behind the data leave room there that HDF5 might give to new ones.
    layout.attributes["scan_toml"] = std::string(100'000, 't');
    layout.profiled[0].long_name = layout.profiled[1].long_name = std::string(3000, 'l');
    { ResultWriter writer(path, layout, false); }
    const std::string before = slurp(partial);
    std::size_t data_begin = 0;
    {
        const hdf5::Handle file(H5Fopen(partial.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
        const hdf5::Handle chi2(H5Dopen2(file, "chi2", H5P_DEFAULT), H5Dclose);
        const hdf5::Handle space(H5Dget_space(chi2), H5Sclose);
        haddr_t address = 0;
        ASSERT_GE(H5Dget_chunk_info(chi2, space, 0, nullptr, nullptr, &address, nullptr), 0);
        data_begin = address;
    }
    ResultWriter(path, layout, true).finish({{"short", std::string(700, 's')}, {"shorter", std::string(300, 's')}});
    const std::string after = slurp(path);
    ASSERT_GT(after.size(), before.size());
    EXPECT_TRUE(after.substr(0, data_begin) != before.substr(0, data_begin));
    EXPECT_TRUE(after.substr(data_begin, before.size() - data_begin) == before.substr(data_begin));
}

TEST_F(ResultFile, ForgetsTheUndoOfAFileThatIsGivenUp) {
    { ResultWriter writer(path, layout, false); }
    save_undo(partial, 1 << 20);
    std::filesystem::remove(partial); // finished, but killed before the undo file was removed
    layout.kept[0].values[1] = 1.5e-11;
    ResultWriter(path, layout, true).write(tiles_of(layout)[0]);
    EXPECT_FALSE(std::filesystem::exists(partial + ".undo"));
    std::ofstream(partial + ".undo") << "torn";
    ResultTile tile;
    tile.begin = {0, 0};
    tile.count = {1, 1};
    ResultWriter(path, layout, true).read(tile);
    EXPECT_EQ(tile.chi2[0], value_at(0, 0));
    EXPECT_FALSE(std::filesystem::exists(partial + ".undo"));
}

} // namespace
} // namespace nuscan
