// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace nuscan {

/// Bins of equal width, as the files of a release name them: by their centres.
struct BinCentres {
    std::string name;
    double first, step;
    std::size_t n;

    double operator()(std::size_t i) const { return first + static_cast<double>(i) * step; }
    double edge(std::size_t i) const { return first + (static_cast<double>(i) - 0.5) * step; }
};

/// A file of a data release: rows of numbers with blanks in between, and what tells that none is missing or changed.
struct ReleaseFile {
    std::string name;
    std::vector<BinCentres> bins = {}; //!< of the first columns, the last innermost: a row for each; or none
    std::vector<double> sums;          //!< of the columns after those, to 1e-9 of the sum of their magnitudes
    std::size_t n_rows = 0;            //!< where there are no bins
    bool header = false; //!< the first line names the columns; besides, lines that begin with # are comments
};

/// A data release as its authors publish it: a folder of text files. What is read is checked first.
class Release {
public:
    /// \param folder where the user has it; \param origin where it is published, for error messages and README files.
    /// \throws InputError where there is no such folder
    Release(std::string folder, std::string origin);

    /// The columns after those of the bins. \throws InputError, with the file and the line, for a file that is missing,
    /// a row of another length, what is no finite number, rows or centres of bins that are not those of the release,
    /// and columns that add up to another sum.
    std::vector<std::vector<double>> read(const ReleaseFile& file);

    /// Parameters of a file in YAML: the numbers under `value`, by the keys of the outermost level. \throws InputError
    /// where one differs from \p expected or is not there.
    void check_parameters(const std::string& name, const std::vector<std::pair<std::string, double>>& expected);

    const std::string& origin() const { return origin_; }
    //! What was read so far and how it was checked: rows of a Markdown table
    const std::string& checks() const { return checks_; }

private:
    std::string path(const std::string& name) const;
    std::string text(const std::string& name) const;
    //! What to do about a file that is not that of the release
    std::string anew() const;

    std::string folder_, origin_, checks_;
};

} // namespace nuscan
