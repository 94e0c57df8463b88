// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <Eigen/Core>

#include "nuscan/prediction.hpp"
#include "scan/feature_expansion.hpp"
#include "scan/newton.hpp"

namespace nuscan {

/// χ² as a function of a few coordinates, all other parameters fixed, with its derivatives.
///
/// Predictions N_b are linear in numbers c_t(y) that have exact expansions to second order about any y. Where fast
/// coordinates are all there is, features are quadratic in all of them together: c are the monomials 1, y_0 … y_{d−1},
/// y_0², y_0 y_1, y_1², …, with coefficients from the expansion about y = 0: the standard model, as far as y is
/// concerned. Else c are the features, expanded anew at each y.
class Chi2Surface {
public:
    /// \param plan, unit, coordinates as of FeatureExpansion; fast coordinates are zero at index 0
    Chi2Surface(const PlanView& plan, const UnitView& unit, const std::vector<int>& coordinates);

    /// χ² minimised over the pulls, without what the priors of axes add; may be +inf or NaN. With \p softness it is
    /// that of counts softened at zero (systematics.hpp), which has no kinks.
    Derivatives operator()(const Eigen::VectorXd& y, double softness = 0) const;

    //! Whether there are pulls that act together, shapes perhaps
    bool has_kinks() const { return plan_.n_systematics > 0; }

    /// The step t_i along each coordinate to the other value that predicts about the same: where the change of N_b,
    /// N_b' t + N_b'' t²/2, vanishes in the metric of χ². Zero where predictions are linear.
    ///
    /// Rates are squared amplitudes: where one coordinate moves all of an amplitude, this turns the amplitude's sign.
    Eigen::VectorXd other_roots(const Eigen::VectorXd& y) const;

private:
    using Matrix = Eigen::Map<const Eigen::MatrixXd>;

    //! N_b of an experiment in counts, or its whitened residuals where it is Gaussian, by what they are linear in
    struct Bins {
        const ExperimentView* experiment;
        Eigen::Index first;        //!< of the numbers that belong to it
        Matrix signal, all;        //!< coefficients of these, signals come first; with backgrounds
        Eigen::VectorXd residuals; //!< what is added: zero, or −n_b whitened

        // From the expansions of all c_t; pulls are zero.
        Eigen::VectorXd signals(const Eigen::MatrixXd& c) const {
            return signal.lazyProduct(c.col(0).segment(first, signal.cols()));
        }
        Eigen::VectorXd predictions(const Eigen::MatrixXd& c) const {
            return all.lazyProduct(c.col(0).segment(first, all.cols())) + residuals;
        }
        Eigen::MatrixXd signal_slopes(const Eigen::MatrixXd& c, Eigen::Index d) const {
            return signal.lazyProduct(c.block(first, 1, signal.cols(), d));
        }
        Eigen::MatrixXd slopes(const Eigen::MatrixXd& c, Eigen::Index d) const {
            return all.lazyProduct(c.block(first, 1, all.cols(), d));
        }
    };
    //! c_t × coefficients of their expansions about y
    Eigen::MatrixXd expansions(const Eigen::VectorXd& y) const;
    Eigen::Index product(Eigen::Index i, Eigen::Index j) const { return FeatureExpansion::product(d_, i, j); }

    /// What χ² makes of the predictions of an experiment's bins, and these of the coordinates and then the pulls.
    struct Response {
        const Bins* bins;
        Eigen::VectorXd first, second; //!< derivatives of χ² by N_b; between bins there are none
        Eigen::MatrixXd slopes;        //!< of N_b
        Eigen::VectorXd signal;        //!< of N_b by the signal of the bin
        Eigen::MatrixXd curvature;     //!< Σ_b first × second derivatives of N_b
    };
    //! Pulls at the minimum of χ²
    struct Pulls {
        PoissonFit<double> fit;
        Eigen::VectorXd value, weights; //!< ξ_k; 1/σ_k²
        std::vector<bool> held;         //!< at a bound, or given
        Eigen::MatrixXd slopes;         //!< by the coordinates, of those that coordinates give; empty where none can be
        double softness = 0;            //!< of counts, where a prediction may be zero
    };
    //! Experiments whose pulls act together, or one alone, at their minimum over the pulls
    struct Fit {
        Pulls pulls;
        std::vector<Response> responses;
    };
    std::vector<Fit> fits(const Eigen::MatrixXd& c, double softness) const;
    Pulls fit_alone(const Bins& bins, const Eigen::MatrixXd& c) const;
    Response response(const Bins& bins, const Eigen::MatrixXd& c, const Pulls& pulls) const;
    Pulls fit_together(const SystematicsView& view, const std::vector<double>& columns, const Eigen::MatrixXd& c,
                       double softness) const;
    Response response(const PulledExperiment& x, const std::vector<double>& columns, const Eigen::MatrixXd& c,
                      const Pulls& pulls) const;
    //! What a signal that is curved adds to the curvature of a response
    void add_curvature_of_signal(const Eigen::MatrixXd& c, Response& r) const;
    //! All columns of the point
    std::vector<double> columns(const Eigen::MatrixXd& c) const;
    //! Expansion of what a column that is a feature has
    Eigen::RowVectorXd column(int column, const Eigen::MatrixXd& c) const;
    //! Adds an experiment's to derivatives by the coordinates, then the pulls
    static void add(const Response& r, Eigen::VectorXd& gradient, Eigen::MatrixXd& hessian);
    //! Adds priors, takes held pulls out and minimises over the others
    void add_minimum(const Pulls& pulls, Eigen::VectorXd& gradient, Eigen::MatrixXd& hessian, Derivatives& total) const;

    PlanView plan_;
    Eigen::Index d_;
    FeatureExpansion expansion_;
    Eigen::MatrixXd features_; //!< n_features × monomials, about y = 0; empty where features are not quadratic
    std::vector<Eigen::MatrixXd> products_; //!< of moments with these, for bins to refer to
    std::vector<Bins> bins_;
};

} // namespace nuscan
