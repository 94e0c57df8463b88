// SPDX-License-Identifier: Apache-2.0
#include "output/result_file.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>
#include <hdf5_hl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/error.hpp"
#include "output/durable.hpp"
#include "output/hdf5.hpp"
#include "output/undo_file.hpp"

static_assert(std::endian::native == std::endian::little, "whole chunks are written in memory order");

namespace nuscan {

using hdf5::check;
using hdf5::Handle;

namespace {

constexpr std::uint8_t status_unwritten = 255;

//! Formats that HDF5 1.8 reads, so every netCDF tool does; newer ones keep more state that a crash leaves inconsistent
Handle access_properties(const std::string& path) {
    Handle properties(check(H5Pcreate(H5P_FILE_ACCESS), path, "set up"), H5Pclose);
    check(H5Pset_libver_bounds(properties, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18), path, "set up");
    return properties;
}

Handle string_type() {
    Handle type(check(H5Tcopy(H5T_C_S1), "HDF5", "make a string type"), H5Tclose);
    check(H5Tset_size(type, H5T_VARIABLE), "HDF5", "make a string type");
    check(H5Tset_cset(type, H5T_CSET_UTF8), "HDF5", "make a string type");
    return type;
}

// ---- attributes ------------------------------------------------------------------------------------------------

void write_scalar_attribute(hid_t object, const std::string& name, hid_t type, const void* value,
                            const std::string& path) {
    const std::string action = "write the attribute " + name;
    if (check(H5Aexists(object, name.c_str()), path, action) > 0) {
        check(H5Adelete(object, name.c_str()), path, action);
    }
    const Handle space(check(H5Screate(H5S_SCALAR), path, action), H5Sclose);
    const Handle attribute(check(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), path, action),
                           H5Aclose);
    check(H5Awrite(attribute, type, value), path, action);
}

void write_attribute(hid_t object, const std::string& name, const Attribute& value, const std::string& path) {
    if (const auto* text = std::get_if<std::string>(&value)) {
        const char* characters = text->c_str();
        write_scalar_attribute(object, name, string_type(), &characters, path);
    } else if (const auto* real = std::get_if<double>(&value)) {
        write_scalar_attribute(object, name, H5T_NATIVE_DOUBLE, real, path);
    } else {
        write_scalar_attribute(object, name, H5T_NATIVE_INT64, &std::get<std::int64_t>(value), path);
    }
}

void write_attributes(hid_t object, const Attributes& attributes, const std::string& path) {
    for (const auto& [name, value] : attributes) {
        write_attribute(object, name, value, path);
    }
}

std::string read_string(hid_t attribute, hid_t type, const std::string& path) {
    if (check(H5Tis_variable_str(type), path, "read an attribute") > 0) {
        char* characters = nullptr;
        const Handle memory_type = string_type();
        check(H5Tset_cset(memory_type, H5Tget_cset(type)), path, "read an attribute");
        check(H5Aread(attribute, memory_type, &characters), path, "read an attribute");
        const std::string text = characters ? characters : "";
        H5free_memory(characters);
        return text;
    }
    std::string text(H5Tget_size(type), '\0');
    check(H5Aread(attribute, type, text.data()), path, "read an attribute");
    return text.substr(0, text.find('\0'));
}

//! A string, a real or an integer; false for anything else (arrays, references), which is not ours
bool read_attribute(hid_t object, const std::string& name, Attribute& value, const std::string& path) {
    const std::string action = "read the attribute " + name;
    const Handle attribute(check(H5Aopen(object, name.c_str(), H5P_DEFAULT), path, action), H5Aclose);
    const Handle space(check(H5Aget_space(attribute), path, action), H5Sclose);
    const Handle type(check(H5Aget_type(attribute), path, action), H5Tclose);
    if (H5Sget_simple_extent_npoints(space) != 1) {
        return false;
    }
    switch (H5Tget_class(type)) {
    case H5T_STRING:
        value = read_string(attribute, type, path);
        return true;
    case H5T_FLOAT: {
        double real = 0;
        check(H5Aread(attribute, H5T_NATIVE_DOUBLE, &real), path, action);
        value = real;
        return true;
    }
    case H5T_INTEGER: {
        std::int64_t integer = 0;
        check(H5Aread(attribute, H5T_NATIVE_INT64, &integer), path, action);
        value = integer;
        return true;
    }
    default:
        return false;
    }
}

std::string read_text(hid_t object, const std::string& name, const std::string& otherwise, const std::string& path) {
    Attribute value;
    if (check(H5Aexists(object, name.c_str()), path, "read attributes") > 0 &&
        read_attribute(object, name, value, path) && std::holds_alternative<std::string>(value)) {
        return std::get<std::string>(value);
    }
    return otherwise;
}

//! A number that an attribute holds, if it is there
std::optional<double> read_number(hid_t object, const std::string& name, const std::string& path) {
    Attribute value;
    if (check(H5Aexists(object, name.c_str()), path, "read attributes") > 0 &&
        read_attribute(object, name, value, path) && std::holds_alternative<double>(value)) {
        return std::get<double>(value);
    }
    return {};
}

Attributes read_attributes(hid_t object, const std::string& path) {
    std::vector<std::string> names;
    const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* data) -> herr_t {
        static_cast<std::vector<std::string>*>(data)->emplace_back(name);
        return 0;
    };
    check(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect, &names), path, "read attributes");
    Attributes attributes;
    for (const std::string& name : names) {
        Attribute value;
        if (read_attribute(object, name, value, path)) {
            attributes[name] = value;
        }
    }
    return attributes;
}

// ---- creation --------------------------------------------------------------------------------------------------

std::string names_of(const std::vector<Variable>& variables) {
    std::string names;
    for (const Variable& variable : variables) {
        names += (names.empty() ? "" : " ") + variable.name;
    }
    return names;
}

std::vector<hsize_t> shape_of(const std::vector<Variable>& kept) {
    std::vector<hsize_t> shape;
    for (const Variable& axis : kept) {
        shape.push_back(axis.values.size());
    }
    return shape;
}

std::vector<hsize_t> chunk_of(const ResultLayout& layout) {
    const std::vector<hsize_t> shape = shape_of(layout.kept);
    bool sound = layout.chunk.size() == shape.size();
    std::vector<hsize_t> chunk(shape.size());
    for (std::size_t i = 0; sound && i < shape.size(); ++i) {
        sound = shape[i] > 0 && layout.chunk[i] > 0;
        // HDF5 takes no chunk larger than the dataset
        chunk[i] = std::min(shape[i], static_cast<hsize_t>(layout.chunk[i]));
    }
    if (!sound) {
        throw std::invalid_argument("result layout: one positive chunk length per kept axis, and no empty axis");
    }
    return chunk;
}

void describe(hid_t dataset, const Variable& variable, const std::string& path) {
    write_attribute(dataset, "units", variable.unit.empty() ? "1" : variable.unit, path);
    write_attribute(dataset, "long_name", variable.long_name.empty() ? variable.name : variable.long_name, path);
    const auto write = [&](const char* name, double value) { write_attribute(dataset, name, value, path); };
    if (std::isfinite(variable.domain.low)) {
        write("valid_min", variable.domain.low);
    }
    if (std::isfinite(variable.domain.high)) {
        write("valid_max", variable.domain.high);
    }
    if (variable.domain.period > 0) {
        write("period", variable.domain.period);
    }
    if (variable.scanned) {
        write("scan_min", variable.scanned->low);
        write("scan_max", variable.scanned->high);
    }
    if (variable.null_value) {
        write("null_value", *variable.null_value);
    }
}

//! What \ref describe has written
Variable described(hid_t dataset, const std::string& name, const std::string& path) {
    const auto read = [&](const char* attribute) { return read_number(dataset, attribute, path); };
    Variable variable{name, read_text(dataset, "units", "1", path), read_text(dataset, "long_name", name, path), {}};
    const Domain unbounded;
    variable.domain = {read("valid_min").value_or(unbounded.low), read("valid_max").value_or(unbounded.high),
                       read("period").value_or(0)};
    const std::optional<double> low = read("scan_min"), high = read("scan_max");
    if (low && high) {
        variable.scanned = Span{*low, *high};
    }
    variable.null_value = read("null_value");
    return variable;
}

Handle create_scale(hid_t file, const Variable& axis, const std::string& path) {
    const std::string action = "create the axis " + axis.name;
    const hsize_t size = axis.values.size();
    const Handle space(check(H5Screate_simple(1, &size, nullptr), path, action), H5Sclose);
    Handle dataset(
        check(H5Dcreate2(file, axis.name.c_str(), H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), path,
              action),
        H5Dclose);
    check(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, axis.values.data()), path, action);
    check(H5DSset_scale(dataset, axis.name.c_str()), path, action);
    describe(dataset, axis, path);
    return dataset;
}

//! \param fill what stands where nothing is written; null for anything
Handle create_dataset(hid_t file, const std::string& name, hid_t type, const void* fill,
                      const std::vector<Handle>& scales, const std::vector<hsize_t>& shape,
                      const std::vector<hsize_t>& chunk, const std::string& path) {
    const std::string action = "create the variable " + name;
    const Handle space(check(shape.empty() ? H5Screate(H5S_SCALAR)
                                           : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                             path, action),
                       H5Sclose);
    const Handle properties(check(H5Pcreate(H5P_DATASET_CREATE), path, action), H5Pclose);
    if (!chunk.empty()) {
        check(H5Pset_chunk(properties, static_cast<int>(chunk.size()), chunk.data()), path, action);
    }
    if (fill != nullptr) {
        check(H5Pset_fill_value(properties, type, fill), path, action);
    }
    check(H5Pset_fill_time(properties, fill != nullptr ? H5D_FILL_TIME_ALLOC : H5D_FILL_TIME_NEVER), path, action);
    check(H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY), path, action);
    Handle dataset(
        check(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT), path, action),
        H5Dclose);
    for (std::size_t i = 0; i < scales.size(); ++i) {
        check(H5DSattach_scale(dataset, scales[i], static_cast<unsigned>(i)), path, action);
    }
    return dataset;
}

//! The meanings of PointStatus, as CF has them
void describe_status(hid_t dataset, const std::string& path) {
    constexpr std::uint8_t values[] = {0, 1, 2, 3};
    const hsize_t size = std::size(values);
    const std::string action = "describe the status";
    const Handle space(check(H5Screate_simple(1, &size, nullptr), path, action), H5Sclose);
    const Handle attribute(
        check(H5Acreate2(dataset, "flag_values", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT), path, action),
        H5Aclose);
    check(H5Awrite(attribute, H5T_NATIVE_UINT8, values), path, action);
    write_attribute(dataset, "flag_meanings", "ok empty_prediction not_converged not_a_number", path);
}

//! A descriptor of an open file that outlives what HDF5 has of it
Descriptor descriptor_of(hid_t file, const std::string& path) {
    void* handle = nullptr;
    check(H5Fget_vfd_handle(file, H5P_DEFAULT, &handle), path, "open the file");
    Descriptor descriptor(::fcntl(*static_cast<int*>(handle), F_DUPFD_CLOEXEC, 0));
    if (descriptor < 0) {
        throw_errno(path, "open the file");
    }
    return descriptor;
}

//! Returns the file that was written
Descriptor create_file(const std::string& path, const ResultLayout& layout) {
    const std::vector<hsize_t> shape = shape_of(layout.kept), chunk = chunk_of(layout);
    Handle file(
        check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access_properties(path)), path, "create the file"),
        H5Fclose);
    // First, so that all that finishing changes stands before the data: see metadata_end.
    write_attribute(file, "Conventions", "CF-1.8", path);
    write_attributes(file, layout.attributes, path);
    std::vector<Handle> scales;
    for (const Variable& axis : layout.kept) {
        scales.push_back(create_scale(file, axis, path));
    }
    {
        const Handle chi2 = create_dataset(file, "chi2", H5T_IEEE_F64LE, nullptr, scales, shape, chunk, path);
        describe(chi2, {"chi2", "1", "chi-squared", {}}, path);
        write_attribute(chi2, "profiled", names_of(layout.profiled), path);
        const Handle status =
            create_dataset(file, "status", H5T_STD_U8LE, &status_unwritten, scales, shape, chunk, path);
        describe(status, {"status", "1", "status of the point", {}}, path);
        describe_status(status, path);
    }
    for (const Variable& axis : layout.profiled) {
        const Handle dataset = create_dataset(file, axis.name, H5T_IEEE_F64LE, nullptr, scales, shape, chunk, path);
        describe(dataset, axis, path);
    }
    scales.clear();
    Descriptor descriptor = descriptor_of(file, path);
    check(H5Fflush(file, H5F_SCOPE_GLOBAL), path, "write the file");
    check(file.close(), path, "close the file");
    return descriptor;
}

//! \throws std::runtime_error where a file was removed or replaced: another one must not pass for it
void check_name(const Descriptor& file, const std::string& path) {
    if (!has_name(file, path)) {
        throw std::runtime_error(path + ": cannot finish the file (it is not the one that was written)");
    }
}

/// Brings a file that HDF5 has closed to disk, with the space that it is to fill, so that a full disk is known at once,
/// and gives it its name.
void publish(const Descriptor& file, const std::string& from, const std::string& to) {
    struct stat status {};
    const bool sized = ::fstat(file, &status) == 0;
    const bool reserved = sized && (::fallocate(file, 0, 0, status.st_size) == 0 || errno == EOPNOTSUPP);
    if (!reserved || ::fsync(file) != 0) {
        throw_errno(from, "bring the file to disk");
    }
    check_name(file, from);
    ::flock(file, LOCK_UN); // of HDF5, for the next to open it
    if (std::rename(from.c_str(), to.c_str()) != 0) {
        throw_errno(from, "rename the file to " + to);
    }
    sync_folder_of(to);
}

// ---- reading ---------------------------------------------------------------------------------------------------

Handle open_dataset(hid_t file, const std::string& name, const std::string& path) {
    return {check(H5Dopen2(file, name.c_str(), H5P_DEFAULT), path, "open the variable " + name), H5Dclose};
}

bool has_dataset(hid_t file, const std::string& name) {
    return H5Lexists(file, name.c_str(), H5P_DEFAULT) > 0 && H5Oexists_by_name(file, name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<hsize_t> dataset_shape(hid_t dataset, const std::string& path) {
    const Handle space(check(H5Dget_space(dataset), path, "read a shape"), H5Sclose);
    std::vector<hsize_t> shape(
        static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(space), path, "read a shape")));
    if (!shape.empty()) {
        check(H5Sget_simple_extent_dims(space, shape.data(), nullptr), path, "read a shape");
    }
    return shape;
}

std::vector<hsize_t> dataset_chunk(hid_t dataset, const std::string& path) {
    const Handle properties(check(H5Dget_create_plist(dataset), path, "read chunks"), H5Pclose);
    std::vector<hsize_t> chunk;
    if (H5Pget_layout(properties) == H5D_CHUNKED) {
        chunk.resize(dataset_shape(dataset, path).size());
        check(H5Pget_chunk(properties, static_cast<int>(chunk.size()), chunk.data()), path, "read chunks");
    }
    return chunk;
}

//! Where the data begin. New attributes of the root change no byte between here and the end of the file.
std::uint64_t metadata_end(hid_t chi2, const std::string& path) {
    if (dataset_chunk(chi2, path).empty()) {
        return std::numeric_limits<std::uint64_t>::max(); // without axes: all of a small file
    }
    const Handle space(check(H5Dget_space(chi2), path, "find the data"), H5Sclose);
    haddr_t address = 0;
    check(H5Dget_chunk_info(chi2, space, 0, nullptr, nullptr, &address, nullptr), path, "find the data");
    return address;
}

//! What stands in a file, in the order of the dimensions of chi2
struct Contents {
    std::vector<Variable> kept, profiled;
};

//! \throws InputError where the file lacks something that every result has
Contents read_contents(hid_t file, const std::string& path) {
    const auto refuse = [&](const std::string& why) -> InputError {
        return {{path, 0}, "not a result of nuscan", why, "is this the file a \"nuscan scan\" wrote?"};
    };
    for (const char* name : {"chi2", "status"}) {
        if (!has_dataset(file, name)) {
            throw refuse("it has no variable \"" + std::string(name) + "\"");
        }
    }
    const Handle chi2 = open_dataset(file, "chi2", path);
    const std::vector<hsize_t> shape = dataset_shape(chi2, path);

    Contents contents;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        // The scale is known by the name it has in the file: an iteration stops at the first one attached.
        std::string name;
        const auto first = [](hid_t, unsigned, hid_t scale, void* data) -> herr_t {
            const ssize_t length = H5Iget_name(scale, nullptr, 0);
            std::string found(static_cast<std::size_t>(std::max<ssize_t>(length, 0)), '\0');
            H5Iget_name(scale, found.data(), found.size() + 1);
            *static_cast<std::string*>(data) = found;
            return 1;
        };
        H5DSiterate_scales(chi2, static_cast<unsigned>(i), nullptr, first, &name);
        if (name.size() < 2) {
            throw refuse("dimension " + std::to_string(i + 1) + " of chi2 has no axis");
        }
        const Handle scale = open_dataset(file, name.substr(1), path);
        Variable axis = described(scale, name.substr(1), path);
        if (dataset_shape(scale, path) != std::vector<hsize_t>{shape[i]}) {
            throw refuse("the axis " + axis.name + " is not as long as chi2");
        }
        axis.values.resize(shape[i]);
        check(H5Dread(scale, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, axis.values.data()), path,
              "read the axis " + axis.name);
        contents.kept.push_back(std::move(axis));
    }

    std::istringstream profiled(read_text(chi2, "profiled", "", path));
    for (std::string name; profiled >> name;) {
        if (!has_dataset(file, name)) {
            throw refuse("it has no variable \"" + name + "\"");
        }
        const Handle dataset = open_dataset(file, name, path);
        contents.profiled.push_back(described(dataset, name, path));
    }
    std::vector<std::string> names = {"status"};
    for (const Variable& axis : contents.profiled) {
        names.push_back(axis.name);
    }
    for (const std::string& name : names) {
        if (dataset_shape(open_dataset(file, name, path), path) != shape) {
            throw refuse("the variable \"" + name + "\" has another shape than chi2");
        }
    }
    return contents;
}

//! What a scan writes before its end and at it, and this file does not have, whatever its name; empty where it has all
std::string missing_at_the_end(const Result& result) {
    const auto n_unwritten = std::count(result.status.begin(), result.status.end(), status_unwritten);
    const bool has_minimum = result.attributes.contains("chi2_min");
    std::string missing;
    if (n_unwritten > 0) {
        missing = std::to_string(n_unwritten) + " of " + std::to_string(result.status.size()) + " points";
    }
    if (!has_minimum) {
        missing += missing.empty() ? "the attribute chi2_min" : " and the attribute chi2_min";
    }
    return missing.empty() ? "" : "it lacks " + missing;
}

//! Why a file cannot go on as \p layout; empty where it can
std::string difference(hid_t file, const Contents& contents, hid_t chi2, const ResultLayout& layout,
                       const std::string& path) {
    const auto plan = layout.attributes.find("plan_hash");
    if (plan != layout.attributes.end() && Attribute(read_text(file, "plan_hash", "", path)) != plan->second) {
        return "its plan is another";
    }
    if (names_of(contents.kept) != names_of(layout.kept)) {
        return "its axes are \"" + names_of(contents.kept) + "\", not \"" + names_of(layout.kept) + "\"";
    }
    for (std::size_t i = 0; i < layout.kept.size(); ++i) {
        const Variable &found = contents.kept[i], &axis = layout.kept[i];
        if (found.values.size() != axis.values.size()) {
            return "its axis " + axis.name + " has " + std::to_string(found.values.size()) + " values, not " +
                   std::to_string(axis.values.size());
        }
        if (found.values != axis.values || found.unit != (axis.unit.empty() ? "1" : axis.unit)) {
            return "its axis " + axis.name + " has other values";
        }
    }
    if (names_of(contents.profiled) != names_of(layout.profiled)) {
        return "it profiles \"" + names_of(contents.profiled) + "\", not \"" + names_of(layout.profiled) + "\"";
    }
    return dataset_chunk(chi2, path) != chunk_of(layout) ? "its chunks have another shape" : "";
}

} // namespace

// ---- ResultWriter ----------------------------------------------------------------------------------------------

struct ResultWriter::Impl {
    std::string path, partial;
    std::vector<hsize_t> shape, chunk;
    Handle file;
    Handle chi2, status;
    std::vector<Handle> profiled;
    Descriptor descriptor; //!< of the file that HDF5 has open
    std::uint64_t data_begin = 0;
    std::size_t not_begun = 0; //!< [bytes] of tiles that the disk has not been told to begin with

    struct Box {
        std::vector<hsize_t> begin, count;
        std::size_t n_points = 1;
        bool whole_chunk = true;
    };

    void open(const ResultLayout& layout);
    Box box(const ResultTile& tile) const;
    void write(hid_t dataset, hid_t type, std::size_t size, const Box& box, const void* values) const;
    void read(hid_t dataset, hid_t type, const Box& box, void* values) const;
};

void ResultWriter::Impl::open(const ResultLayout& layout) {
    restore_undo(partial);
    const Handle access = access_properties(partial);
    const auto open_file = [&](unsigned flags) {
        file = Handle(H5Fopen(partial.c_str(), flags, access), H5Fclose);
        if (file < 0) {
            throw InputError({partial, 0}, "cannot open the unfinished result", hdf5::error_text(),
                             "is another scan writing it? If not, remove it to start over");
        }
        chi2 = open_dataset(file, "chi2", partial);
    };
    // Read and closed again: strings that HDF5 has read it may move when others are written, which finish must not.
    open_file(H5F_ACC_RDONLY);
    if (const std::string why = difference(file, read_contents(file, partial), chi2, layout, partial); !why.empty()) {
        throw InputError({partial, 0}, "the unfinished result belongs to another scan", why,
                         "remove it to start over, or use another output file");
    }
    data_begin = metadata_end(chi2, partial);
    chi2.close();
    file.close();

    open_file(H5F_ACC_RDWR);
    status = open_dataset(file, "status", partial);
    for (const Variable& axis : layout.profiled) {
        profiled.push_back(open_dataset(file, axis.name, partial));
    }
    shape = shape_of(layout.kept);
    chunk = chunk_of(layout);
    descriptor = descriptor_of(file, partial);
}

ResultWriter::Impl::Box ResultWriter::Impl::box(const ResultTile& tile) const {
    if (file < 0) {
        throw std::logic_error(path + ": the result is finished");
    }
    Box box;
    bool sound = tile.begin.size() == shape.size() && tile.count.size() == shape.size();
    for (std::size_t i = 0; sound && i < shape.size(); ++i) {
        sound = tile.begin[i] >= 0 && tile.count[i] > 0;
        const auto begin = static_cast<hsize_t>(tile.begin[i]), count = static_cast<hsize_t>(tile.count[i]);
        sound = sound && begin < shape[i] && count <= shape[i] - begin;
        box.begin.push_back(begin);
        box.count.push_back(count);
        box.n_points *= count;
        box.whole_chunk = box.whole_chunk && begin % chunk[i] == 0 && count == chunk[i];
    }
    if (!sound) {
        throw std::invalid_argument(path + ": the tile lies outside the result");
    }
    return box;
}

void ResultWriter::Impl::write(hid_t dataset, hid_t type, std::size_t size, const Box& box, const void* values) const {
    const std::string action = "write a tile";
    if (shape.empty()) {
        check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), partial, action);
    } else if (box.whole_chunk) {
        check(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, box.begin.data(), size * box.n_points, values), partial, action);
    } else {
        const Handle in_file(check(H5Dget_space(dataset), partial, action), H5Sclose);
        check(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, box.begin.data(), nullptr, box.count.data(), nullptr),
              partial, action);
        const Handle in_memory(
            check(H5Screate_simple(static_cast<int>(box.count.size()), box.count.data(), nullptr), partial, action),
            H5Sclose);
        check(H5Dwrite(dataset, type, in_memory, in_file, H5P_DEFAULT, values), partial, action);
    }
}

void ResultWriter::Impl::read(hid_t dataset, hid_t type, const Box& box, void* values) const {
    const std::string action = "read a tile";
    if (shape.empty()) {
        check(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), partial, action);
        return;
    }
    const Handle in_file(check(H5Dget_space(dataset), partial, action), H5Sclose);
    check(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, box.begin.data(), nullptr, box.count.data(), nullptr), partial,
          action);
    const Handle in_memory(
        check(H5Screate_simple(static_cast<int>(box.count.size()), box.count.data(), nullptr), partial, action),
        H5Sclose);
    check(H5Dread(dataset, type, in_memory, in_file, H5P_DEFAULT, values), partial, action);
}

ResultWriter::ResultWriter(const std::string& path, const ResultLayout& layout, bool resume)
    : impl_(std::make_unique<Impl>()) {
    hdf5::initialise();
    impl_->path = path;
    impl_->partial = partial_path(path);
    if (!resume || !std::filesystem::exists(impl_->partial)) {
        const std::string fresh = impl_->partial + ".new";
        try {
            const Descriptor file = create_file(fresh, layout);
            discard_undo(impl_->partial); // of a file that is given up now
            publish(file, fresh, impl_->partial);
        } catch (...) {
            std::remove(fresh.c_str());
            throw;
        }
    }
    impl_->open(layout);
}

ResultWriter::~ResultWriter() = default;

void ResultWriter::write(const ResultTile& tile) {
    hdf5::initialise();
    const Impl::Box box = impl_->box(tile);
    bool sound = tile.chi2.size() == box.n_points && tile.status.size() == box.n_points &&
                 tile.profiled.size() == impl_->profiled.size();
    for (const std::vector<double>& values : tile.profiled) {
        sound = sound && values.size() == box.n_points;
    }
    for (std::size_t i = 0; i < impl_->shape.size(); ++i) {
        const hsize_t end = box.begin[i] + box.count[i];
        sound = sound && box.begin[i] % impl_->chunk[i] == 0 && (end % impl_->chunk[i] == 0 || end == impl_->shape[i]);
    }
    if (!sound) {
        throw std::invalid_argument(impl_->path + ": a tile covers whole chunks, with as many values as points");
    }
    impl_->write(impl_->chi2, H5T_NATIVE_DOUBLE, sizeof(double), box, tile.chi2.data());
    impl_->write(impl_->status, H5T_NATIVE_UINT8, 1, box, tile.status.data());
    for (std::size_t i = 0; i < impl_->profiled.size(); ++i) {
        impl_->write(impl_->profiled[i], H5T_NATIVE_DOUBLE, sizeof(double), box, tile.profiled[i].data());
    }
    check(H5Fflush(impl_->file, H5F_SCOPE_GLOBAL), impl_->partial, "write a tile");
    // The disk begins at once, while the next tiles are made, rather than when sync waits for it. Small ones share
    // pages and go together. Where a file system cannot, nothing is lost.
    constexpr std::size_t worth_a_start = std::size_t{4} << 20; // [bytes]
    impl_->not_begun += box.n_points * (sizeof(double) * (1 + tile.profiled.size()) + 1);
    if (impl_->not_begun >= worth_a_start) {
        ::sync_file_range(impl_->descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
        impl_->not_begun = 0;
    }
}

void ResultWriter::sync() {
    if (::fdatasync(impl_->descriptor) != 0) {
        throw_errno(impl_->partial, "bring tiles to disk");
    }
}

void ResultWriter::read(ResultTile& tile) const {
    hdf5::initialise();
    const Impl::Box box = impl_->box(tile);
    tile.chi2.resize(box.n_points);
    tile.status.resize(box.n_points);
    tile.profiled.assign(impl_->profiled.size(), std::vector<double>(box.n_points));
    impl_->read(impl_->chi2, H5T_NATIVE_DOUBLE, box, tile.chi2.data());
    impl_->read(impl_->status, H5T_NATIVE_UINT8, box, tile.status.data());
    for (std::size_t i = 0; i < impl_->profiled.size(); ++i) {
        impl_->read(impl_->profiled[i], H5T_NATIVE_DOUBLE, box, tile.profiled[i].data());
    }
}

void ResultWriter::finish(const Attributes& attributes) {
    hdf5::initialise();
    if (impl_->file < 0) {
        throw std::logic_error(impl_->path + ": the result is finished");
    }
    check_name(impl_->descriptor, impl_->partial);
    // Metadata of HDF5 do not change in one step: a kill amid the next lines is undone when the file is opened again.
    save_undo(impl_->partial, impl_->data_begin);
    write_attributes(impl_->file, attributes, impl_->partial);
    impl_->chi2.close();
    impl_->status.close();
    impl_->profiled.clear();
    check(H5Fflush(impl_->file, H5F_SCOPE_GLOBAL), impl_->partial, "finish the result");
    check(impl_->file.close(), impl_->partial, "close the result");
    publish(impl_->descriptor, impl_->partial, impl_->path);
    discard_undo(impl_->partial);
}

// ---- read_result -----------------------------------------------------------------------------------------------

std::uint64_t bytes_of(const ResultLayout& layout) {
    std::uint64_t points = 1;
    for (std::size_t i = 0; i < layout.kept.size(); ++i) {
        const auto chunk = static_cast<std::uint64_t>(layout.chunk[i]);
        points *= (layout.kept[i].values.size() + chunk - 1) / chunk * chunk;
    }
    return points * ((1 + layout.profiled.size()) * sizeof(double) + 1);
}

bool is_hdf5(const std::string& path) {
    constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
    std::string begin(signature.size(), '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
    return file.good() && begin == signature;
}

Result read_result(const std::string& path) {
    hdf5::initialise();
    const InputLocation where{path, 0};
    if (!std::filesystem::exists(path)) {
        const bool unfinished = std::filesystem::exists(ResultWriter::partial_path(path));
        throw InputError(where, "no such file",
                         unfinished ? "only " + ResultWriter::partial_path(path) + " is there" : "",
                         unfinished ? "run the same \"nuscan scan\" again to resume it?" : "");
    }
    if (path.ends_with(ResultWriter::partial_path(""))) {
        throw InputError(where, "not finished", "a scan stopped before its end",
                         "run the same \"nuscan scan\" again to resume?");
    }
    if (!is_hdf5(path)) {
        throw InputError(where, std::filesystem::is_directory(path) ? "is a folder" : "not an HDF5 file",
                         "expected a result", "is this the file a \"nuscan scan\" wrote?");
    }
    const Handle access = access_properties(path);
    const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), H5Fclose);
    if (file < 0) {
        throw InputError(where, "cannot read it as HDF5", hdf5::error_text(),
                         "is this the file a \"nuscan scan\" wrote?");
    }
    try {
        Contents contents = read_contents(file, path);
        Result result{path, std::move(contents.kept), std::move(contents.profiled), {}, {}, {}, {}};
        std::size_t n_points = 1;
        for (const Variable& axis : result.kept) {
            n_points *= axis.values.size();
        }
        const auto read = [&](const std::string& name, hid_t type, void* values) {
            check(H5Dread(open_dataset(file, name, path), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), path,
                  "read the variable " + name);
        };
        result.chi2.resize(n_points);
        read("chi2", H5T_NATIVE_DOUBLE, result.chi2.data());
        result.status.resize(n_points);
        read("status", H5T_NATIVE_UINT8, result.status.data());
        for (const Variable& axis : result.profiled) {
            result.profiled_at.emplace_back(n_points);
            read(axis.name, H5T_NATIVE_DOUBLE, result.profiled_at.back().data());
        }
        result.attributes = read_attributes(file, path);
        if (const std::string missing = missing_at_the_end(result); !missing.empty()) {
            throw InputError(where, "not finished", missing, "run the scan again, with --overwrite?");
        }
        return result;
    } catch (const InputError&) {
        throw;
    } catch (const std::runtime_error& error) {
        throw InputError(where, "the file is damaged", error.what(), "run the scan again?");
    }
}

std::string verdict(const Result& result) {
    const auto found = result.attributes.find("verdict");
    const auto* text = found == result.attributes.end() ? nullptr : std::get_if<std::string>(&found->second);
    return text == nullptr ? "ok" : *text;
}

std::string warning_of(const std::string& verdict) {
    return verdict == "ok" ? "" : verdict == verdict_of_no_check ? verdict : "do not trust this result: " + verdict;
}

std::optional<double> number_attribute(const Result& result, const std::string& name) {
    const auto found = result.attributes.find(name);
    if (found == result.attributes.end()) {
        return {};
    }
    if (const auto* integer = std::get_if<std::int64_t>(&found->second)) {
        return static_cast<double>(*integer);
    }
    const auto* real = std::get_if<double>(&found->second);
    return real == nullptr ? std::nullopt : std::optional(*real);
}

const std::string& text_attribute(const Result& result, const std::string& name) {
    const auto found = result.attributes.find(name);
    const auto* text = found == result.attributes.end() ? nullptr : std::get_if<std::string>(&found->second);
    if (text == nullptr) {
        throw InputError({result.path, 0}, "it has no attribute \"" + name + "\"", "nuscan writes one",
                         "was the file changed?");
    }
    return *text;
}

} // namespace nuscan
