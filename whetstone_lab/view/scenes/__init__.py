"""What there is to see in a run or a simulation, as columns of numbers. NumPy only; nothing here draws.

Widgets draw in the browser and figures in matplotlib; what they draw is worked out here once, one file a subject.
"""

from whetstone_lab.view.scenes.curves import (
    activation,
    drawn_range,
    heights,
    histogram_at,
    outside,
    ramp,
    share_between,
    threshold,
)
from whetstone_lab.view.scenes.epochs import accuracies, epoch_table, monitored
from whetstone_lab.view.scenes.health import died, health_table
from whetstone_lab.view.scenes.marks import apart, decisions
from whetstone_lab.view.scenes.network import Samples, grid, page_network, picture_shape, places, preparation
from whetstone_lab.view.scenes.order import ORDERS, check_order, key_of, keyed, orders, rows
from whetstone_lab.view.scenes.raster import as_picture, bands, density, pictures, record_of
from whetstone_lab.view.scenes.readings import Reading, class_map, listed_classes, readings, told, voters
from whetstone_lab.view.scenes.run import latest_sharpness, positions, sharpness_at, thin, trace_of

__all__ = [
    "ORDERS", "Reading", "Samples", "accuracies", "activation", "apart", "as_picture", "bands", "check_order",
    "class_map", "decisions", "density", "died", "drawn_range", "epoch_table", "grid", "health_table", "heights",
    "histogram_at", "key_of", "keyed", "latest_sharpness", "listed_classes", "monitored", "orders", "outside",
    "page_network", "picture_shape", "pictures", "places", "positions", "preparation", "ramp", "readings",
    "record_of", "rows", "share_between", "sharpness_at", "thin", "threshold", "told", "trace_of", "voters",
]
