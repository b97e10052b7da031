"""The air between Bumble's controllers, where links get lost and pods fall silent.

Bumble's LocalLink carries packets and nothing else. Here an active scan gets the scan response,
a cancelled request for a connection ends, a connection that nobody took fails, and tests say who
is out of reach. Controllers use random addresses: Bumble names every sender by that one.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from bumble import hci, ll
from bumble.controller import Controller
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

ADVERTISING_INTERVAL_S = 0.02

_LONGEST_PDU_BYTES = 251
_RSSI_DBM = -50
_REPORT = hci.HCI_LE_Advertising_Report_Event
_NOT_OF_OLD_CONTROLLERS = (
    hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
    | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
    | hci.LeFeatureMask.LL_PRIVACY
)


class Air(LocalLink):
    """What is sent to or by a silent radio waits until it is heard again, but for advertising."""

    def __init__(self) -> None:
        LocalLink.__init__(self)
        self._held: dict[Controller, list[Callable[[], None]]] = {}

    # ---- what tests do ----

    def lose(self, radio: Controller) -> None:
        """Its links end by supervision timeout at both ends, without a word."""
        for connection in list(radio.le_connections.values()):
            peer = self.find_le_controller(connection.peer_address)
            _end(radio, connection.peer_address, hci.HCI_CONNECTION_TIMEOUT_ERROR)
            if peer is not None:
                _end(peer, connection.self_address, hci.HCI_CONNECTION_TIMEOUT_ERROR)
        if radio in self._held:
            self._held[radio].clear()

    def silence(self, radio: Controller) -> None:
        """Nothing gets through either way; its links stand."""
        self._held.setdefault(radio, [])

    def restore(self, radio: Controller) -> None:
        """What waited gets through first, in its order."""
        for deliver in self._held.pop(radio, ()):
            deliver()

    # ---- what controllers do ----

    def carry(self, sender: Controller, receiver: hci.Address, deliver: Callable[[], None]) -> None:
        """Now, or once both are heard."""
        for radio in (sender, self.find_le_controller(receiver)):
            if radio in self._held:
                self._held[radio].append(deliver)
                return
        deliver()

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        sender = self.find_le_controller(sender_address)
        if sender is not None:
            send = super().send_ll_control_pdu
            deliver = partial(send, sender_address, receiver_address, packet)
            self.carry(sender, receiver_address, deliver)

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(packet, ll.ConnectInd):
            loop.call_soon(self._connect, sender_controller, packet)
        elif sender_controller not in self._held:
            for radio in self.controllers - self._held.keys() - {sender_controller}:
                if radio.le_scan_enable or radio.pending_le_connection:
                    loop.call_soon(radio.on_ll_advertising_pdu, packet)

    def _connect(self, central: Controller, request: ll.ConnectInd) -> None:
        """Bumble's central takes itself for connected even where nobody listens any more."""
        peer = self.find_le_controller(request.advertiser_address)
        if peer is not None and peer not in self._held:
            peer.on_ll_advertising_pdu(request)
        if peer is None or request.initiator_address not in peer.le_connections:
            reason = hci.HCI_CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
            _end(central, request.advertiser_address, reason)

    def scan_response_of(self, advertiser: hci.Address) -> bytes:
        radio = self.find_le_controller(advertiser)
        return b"" if radio is None else radio.le_legacy_advertiser.scan_response_data


class Radio(Controller):
    """A controller as small boards have them: long packets, no extended advertising."""

    le_features = Controller.le_features & ~_NOT_OF_OLD_CONTROLLERS
    le_acl_data_packet_length = _LONGEST_PDU_BYTES
    supported_max_tx_octets = supported_max_rx_octets = _LONGEST_PDU_BYTES
    suggested_max_tx_octets = _LONGEST_PDU_BYTES

    def __init__(self, name: str, air: Air) -> None:
        super().__init__(name, link=air)
        self._air = air

    def make_host(self) -> Host:
        return Host(self, AsyncPipeSink(self))

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        """The host is told of a packet sent only once it gets through."""
        connection = self.find_le_connection_by_handle(packet.connection_handle)
        if connection is not None:
            deliver = partial(connection.on_hci_acl_data_packet, packet)
            self._air.carry(self, connection.peer_address, deliver)

    def on_hci_le_set_advertising_parameters_command(
        self, command: hci.HCI_LE_Set_Advertising_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Never slow. Bumble takes the units of the interval for milliseconds."""
        result = super().on_hci_le_set_advertising_parameters_command(command)
        self.le_legacy_advertiser.advertising_interval_min = round(ADVERTISING_INTERVAL_S * 1e3)
        return result

    def on_hci_le_create_connection_cancel_command(
        self, command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Bumble would go on to connect."""
        if self.pending_le_connection is not None:
            self.pending_le_connection = None
            asyncio.get_running_loop().call_soon(self.send_hci_packet, _not_connected())
        return super().on_hci_le_create_connection_cancel_command(command)

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        """Bumble would repeat the advertising data as scan response."""
        address = pdu.advertiser_address
        if self.le_scan_enable:
            self._report(address, _REPORT.EventType.ADV_IND, pdu.data)
            response = self._air.scan_response_of(address)
            self._report(address, _REPORT.EventType.SCAN_RSP, response)
        pending = self.pending_le_connection
        if pending is not None and pending.peer_address == address:
            self.create_le_connection(address)

    def _report(self, address: hci.Address, event_type: int, data: bytes) -> None:
        report = _REPORT.Report(
            event_type=event_type,
            address_type=address.address_type,
            address=address,
            data=data,
            rssi=_RSSI_DBM,
        )
        self.send_hci_packet(_REPORT([report]))


def _end(radio: Controller, peer_address: hci.Address, reason: int) -> None:
    connection = radio.le_connections.get(peer_address)
    if connection is not None:
        radio.on_le_disconnected(connection, reason)


def _not_connected() -> hci.HCI_LE_Connection_Complete_Event:
    return hci.HCI_LE_Connection_Complete_Event(
        status=hci.HCI_UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
        connection_handle=0,
        role=hci.Role.CENTRAL,
        peer_address_type=0,
        peer_address=hci.Address.ANY,
        connection_interval=0,
        peripheral_latency=0,
        supervision_timeout=0,
        central_clock_accuracy=0,
    )
