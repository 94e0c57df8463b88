// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace nuscan {

/// Where a parameter ends by its nature: a modulus at 0, a squared sine at 0 and 1. With a period it is a circle.
struct Domain {
    double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
    double period = 0; //!< 0: no circle
};

//! A closed interval of an axis
struct Span {
    double low, high;
};

/// A coordinate or a variable of a result file.
struct Variable {
    std::string name; //!< parameter name
    std::string unit; //!< "1" where dimensionless
    std::string long_name;
    std::vector<double> values;            //!< of coordinates: the axis values
    Domain domain = {};                    //!< attributes valid_min, valid_max and period
    std::optional<Span> scanned = {};      //!< of profiled axes: their range; attributes scan_min and scan_max
    std::optional<double> null_value = {}; //!< of what is new physics: its value without any; attribute null_value
};

using Attribute = std::variant<std::string, double, std::int64_t>;
using Attributes = std::map<std::string, Attribute>;

/// What a result file holds: χ² and a status on the kept axes, and the minimising value of every profiled axis.
struct ResultLayout {
    std::vector<Variable> kept;      //!< kept axes, slowest first; may be empty (everything profiled)
    std::vector<Variable> profiled;  //!< profiled axes (values unused)
    std::vector<std::int64_t> chunk; //!< chunk shape on the kept axes
    Attributes attributes;           //!< known before the scan
};

//! Size of all variables on disk, in whole chunks
std::uint64_t bytes_of(const ResultLayout& layout);

/// A box of kept points, with its values in row-major order.
struct ResultTile {
    std::vector<std::int64_t> begin, count; //!< one each per kept axis
    std::vector<double> chi2;
    std::vector<std::uint8_t> status;          //!< PointStatus
    std::vector<std::vector<double>> profiled; //!< one per profiled axis
};

/// Writes a result file tile by tile.
///
/// HDF5, opened by `xarray.open_dataset(file, engine="h5netcdf")`: kept axes are dimension scales at the root, `chi2`
/// (its attribute `profiled` lists the profiled axes), `status` and the profiled parameters are variables on them,
/// chunked as the layout says. The file is written as `<path>.partial` and takes its name when it is finished.
///
/// It opens after kill -9, whenever that came: all space is given out before the file gets even its `.partial` name, so
/// that a tile changes nothing but its own bytes, and what finish changes is saved in `<path>.partial.undo` meanwhile.
/// Points without a tile have status 255; the other variables, not written twice, hold nothing of meaning there. The
/// bytes of the datasets do not depend on the order of tiles. One thread at a time; \throws std::runtime_error with
/// path and reason where the disk refuses.
class ResultWriter {
public:
    /// Creates `<path>.partial`, or opens the one that is there for more tiles when \p resume.
    /// \throws InputError where the one that is there is of another layout, in use or not readable.
    ResultWriter(const std::string& path, const ResultLayout& layout, bool resume);
    ~ResultWriter();

    //! Writes a chunk-aligned tile, which survives the end of this process from then on
    void write(const ResultTile& tile);
    //! Brings all tiles to disk
    void sync();
    //! Reads a tile back: begin and count are given, the rest is filled in
    void read(ResultTile& tile) const;
    //! Adds attributes known after the scan, closes the file and renames it to its final name, unless the file that has
    //! its name by now is not the one that was written
    void finish(const Attributes& attributes);

    static std::string partial_path(const std::string& path) { return path + ".partial"; }

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// A finished result, read whole.
struct Result {
    std::string path;
    std::vector<Variable> kept;
    std::vector<Variable> profiled; //!< without values
    std::vector<double> chi2;       //!< row-major on the kept axes
    std::vector<std::uint8_t> status;
    std::vector<std::vector<double>> profiled_at; //!< minimising values, one array per profiled axis
    Attributes attributes;
};

//! Whether a file begins as those of HDF5 do
bool is_hdf5(const std::string& path);

/// Reads a finished result. \throws InputError for a missing, damaged, foreign or unfinished file: one called
/// `.partial`, and one of any name with points that are not written, or without what finishing writes.
Result read_result(const std::string& path);

/// What the scan found when it checked its result: "ok", a sentence that says why not to trust it, or \ref
/// verdict_of_no_check.
///
/// "ok" where the file holds no verdict, as those of others do.
std::string verdict(const Result& result);

//! The verdict where nothing speaks against a result, but nothing was compared with the reference either
inline constexpr const char* verdict_of_no_check = "not checked: nothing was compared with the reference";

//! What every reader says of a verdict; empty where it is "ok"
std::string warning_of(const std::string& verdict);

//! The number that an attribute holds; nothing where there is none
std::optional<double> number_attribute(const Result& result, const std::string& name);

//! An attribute that every result has. \throws InputError where this one does not.
const std::string& text_attribute(const Result& result, const std::string& name);

} // namespace nuscan
