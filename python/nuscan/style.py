# SPDX-License-Identifier: Apache-2.0
"""How plots of nuscan look: settings for ``matplotlib.rc_context`` and colours."""

BLUE = "#20507e"
ORANGE = "#c65102"  # told from the blues by colour-blind readers too; lines carry their names anyway
WARNING = "#b3261e"
STYLE = {
    "font.size": 10,
    "axes.labelsize": 11.5,
    "axes.titlesize": 10.5,
    "axes.linewidth": 0.8,
    "mathtext.fontset": "dejavusans",
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.major.pad": 5,
    "ytick.major.pad": 5,
    "xtick.top": True,
    "ytick.right": True,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
}
