// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "experiments/experiment_tables.hpp"

namespace nuscan {

/// A variable that counts are binned in.
struct BinAxis {
    std::string name; //!< "energy", "photoelectrons", "time" or the file's own
    Dimension dimension = Dimension::dimensionless;
    std::vector<double> edges; //!< increasing, in the internal unit

    std::size_t first_fitted = 0, end_fitted = 0; //!< bins that the fit takes: all but for energy's fit_min and fit_max

    std::size_t n_bins() const { return edges.size() - 1; }
    Range fitted() const { return {edges[first_fitted], edges[end_fitted]}; }
};

//! Number of bins in all variables
std::size_t number_of_bins(const std::vector<BinAxis>& axes);

/// The variables of `[bins]`: energy or photoelectrons first, then those of `[[bins.further]]`.
/// \throws InputError with file and line; so do the other readers.
std::vector<BinAxis> read_bin_axes(const TomlTable& experiment);

//! Refuses counts of a bin, or of all, too large for the precision that χ² promises; \p what they are
void check_count(double value, const std::string& what, const InputLocation& where);

//! Which numbers may stand for bins
enum class BinNumbers {
    not_negative,
    whole,  //!< and not negative: what Poisson's statistic counts
    signed_ //!< differences of counts, which have errors of their own
};

/// The numbers of a key of \p table, one per bin: a list, or a column of a CSV table.
/// \param owner whose they are, in error messages: `background "neutrons"`
std::vector<double> read_per_bin(const TomlTable& table, const std::string& key, const std::string& owner,
                                 const std::vector<BinAxis>& axes, ExperimentTables& tables,
                                 BinNumbers allowed = BinNumbers::not_negative);

/// The counts of `[bins]`, number_of_bins() numbers with the energy outermost, and their errors or covariance where it
/// gives them into \p observed. They must suit its statistic: whole for Poisson, those that are fitted with an error
/// above zero for Gaussian, where they may be negative.
void read_observed(const TomlTable& experiment, const std::vector<BinAxis>& axes, ExperimentTables& tables,
                   Experiment& observed);

/// The place of each row of a table among the bins of \p axes, of which it holds the centres: number_of_bins() rows.
///
/// With one variable the rows come in the order of the bins and the variable is the first column; with several they
/// come in any order, and each variable has a column.
/// \throws InputError for a row that lies in no bin, on an edge, or in the bin of another row, and for a bin without
/// one, with \p where and \p owner
std::vector<std::size_t> bins_of_rows(const CsvTable& rows, const std::vector<BinAxis>& axes,
                                      const InputLocation& where, const std::string& owner);

//! Drops the energy bins that the fit does not take, with all that an experiment has for each of them.
void keep_fitted_bins(const BinAxis& energy, Experiment& experiment);

} // namespace nuscan
