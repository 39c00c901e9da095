"""What is behind what: site, broker, gateways, devices, as JSON. The page is among the pages."""

from fastapi import APIRouter

from dashboard_api import queries
from dashboard_api.deps import DeviceReader, PartsDep, Reading
from dashboard_api.topology import TopologyOut, topology

router = APIRouter(prefix="/api/v1", tags=["devices"])


@router.get("/topology")
def read_topology(_viewer: DeviceReader, its: PartsDep, connection: Reading) -> TopologyOut:
    """Site → broker → gateways → devices with their states, and how many are behind each."""
    found = queries.find_devices(connection)
    return topology(connection, found, its.site, its.clock.now_ms())
