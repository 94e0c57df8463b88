// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <Eigen/Core>

#include "nuscan/prediction.hpp"
#include "scan/newton.hpp"

namespace nuscan {

/// χ² as a function of a few fast coordinates, all other parameters fixed, with its derivatives.
///
/// Coordinates y are what couplings and backgrounds are linear in, so that predictions are quadratic in all of them
/// together: N_b(y) = Σ_t C_bt m_t(y), with the monomials m = 1, y_0 … y_{d−1}, y_0², y_0 y_1, y_1², … C follows from
/// the plane coefficients of every pair of coordinates, about y = 0: the standard model, as far as y is concerned.
class Chi2Surface {
public:
    /// \param plan whose axes \p coordinates are linear, each of them the value of one term or background, and zero at
    ///     index 0; its layout is not used
    /// \param unit of the one point with the indices 0
    Chi2Surface(PlanView plan, const UnitView& unit, const std::vector<int>& coordinates);

    //! χ² minimised over the pulls, without what the priors of axes add; may be +inf or NaN
    Derivatives operator()(const Eigen::VectorXd& y) const;

    /// The step t_i along each coordinate to the other value that predicts about the same: where the change of N_b,
    /// N_b' t + N_b'' t²/2, vanishes in the metric of χ². Zero where predictions are linear.
    ///
    /// Rates are squared amplitudes: where one coordinate moves all of an amplitude, this turns the amplitude's sign.
    Eigen::VectorXd other_roots(const Eigen::VectorXd& y) const;

private:
    struct Monomials {
        Eigen::VectorXd value;
        Eigen::MatrixXd slopes; //!< monomials × d
    };
    //! N_b of an experiment in counts, or its whitened residuals where it is Gaussian: coefficients of the monomials
    struct Bins {
        const ExperimentView* experiment;
        Eigen::MatrixXd signal;
        Eigen::MatrixXd background; //!< with the data, of residuals; linear: of the first 1 + d monomials

        Eigen::VectorXd signals(const Monomials& m) const { return signal.lazyProduct(m.value); }
        //! With backgrounds, all pulls zero
        Eigen::VectorXd predictions(const Monomials& m) const {
            return signals(m) + background.lazyProduct(m.value.head(background.cols()));
        }
    };
    Monomials monomials(const Eigen::VectorXd& y) const;
    //! Place of y_i y_j, i <= j
    Eigen::Index product(Eigen::Index i, Eigen::Index j) const { return 1 + d_ + j * (j + 1) / 2 + i; }

    /// What χ² makes of the predictions of an experiment's bins, and these of the coordinates and then the pulls.
    struct Response {
        const Bins* bins;
        Eigen::VectorXd first, second; //!< derivatives of χ² by N_b; between bins there are none
        Eigen::MatrixXd slopes;        //!< of N_b
        Eigen::VectorXd signal;        //!< of N_b by the signal of the bin
        Eigen::MatrixXd mixed;         //!< Σ_b first × second derivatives of N_b by coordinates and pulls
        Eigen::MatrixXd curved;        //!< the same by pulls alone
    };
    //! Pulls at the minimum of χ²
    struct Pulls {
        PoissonFit<double> fit;
        Eigen::VectorXd value, weights; //!< ξ_k; 1/σ_k²
        std::vector<bool> held;         //!< at a bound, or given
    };
    //! Experiments whose pulls act together, or one alone, at their minimum over the pulls
    struct Fit {
        Pulls pulls;
        std::vector<Response> responses;
    };
    std::vector<Fit> fits(const Monomials& m) const;
    Pulls fit_alone(const Bins& bins, const Monomials& m) const;
    Response response(const Bins& bins, const Monomials& m, const Pulls& pulls) const;
    Pulls fit_together(const SystematicsView& view, const std::vector<double>& columns) const;
    Response response(const PulledExperiment& x, const std::vector<double>& columns, const Monomials& m,
                      const Pulls& pulls) const;
    //! All columns of the point
    std::vector<double> columns(const Monomials& m) const;
    //! Adds an experiment's to derivatives by the coordinates, then the pulls
    void add(const Response& r, Eigen::VectorXd& gradient, Eigen::MatrixXd& hessian) const;
    //! Adds priors, takes held pulls out and minimises over the others
    void add_minimum(const Pulls& pulls, Eigen::VectorXd& gradient, Eigen::MatrixXd& hessian, Derivatives& total) const;

    PlanView plan_;
    Eigen::MatrixXd features_; //!< n_features × monomials
    Eigen::Index d_;
    std::vector<Bins> bins_;
};

} // namespace nuscan
