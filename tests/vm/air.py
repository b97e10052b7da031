"""The air between the hub's kernel and virtual pods: Bumble's controllers in memory.

What Bumble leaves out of a controller, and BlueZ or the pods need, is added here.
"""

import asyncio

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

SUPERVISION_S = 4.0  # that the pods ask for; a peer that vanishes is missed after so long

_ERRORS = hci.HCI_ErrorCode
_LEAST_ADVERTISING_MS = 100  # an emulated machine has better to do than to hear more
_ADVERTISING_UNIT_MS = 0.625
_LONGEST_DATA = 251
_REPORTS = hci.HCI_LE_Advertising_Report_Event
_ACTIVE_SCAN = 1


class Air(LocalLink):
    """Carries only what has both ends on the air."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def vanish(self, part: "Part") -> None:
        """Without a word: who is connected misses it when the supervision timeout is over."""
        if part not in self.controllers:
            return
        ends = self._other_ends(part)
        self.remove_controller(part)
        for peer, end in ends:
            asyncio.get_running_loop().call_later(SUPERVISION_S, peer.lose, end)

    def lose_links(self, part: "Part") -> None:
        """Both ends see a supervision timeout, now."""
        for peer, end in self._other_ends(part):
            peer.lose(end)
        for connection in list(part.le_connections.values()):
            part.lose(connection)

    def _other_ends(self, part: "Part") -> list[tuple["Part", Connection]]:
        ends = []
        for connection in part.le_connections.values():
            peer = self.find_le_controller(connection.peer_address)
            end = peer.le_connections.get(connection.self_address) if peer is not None else None
            if isinstance(peer, Part) and end is not None:
                ends.append((peer, end))
        return ends

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """The sender is known by the address of its connection; Bumble takes the random one."""
        peer = self.find_le_controller(destination_address)
        connection = sender_controller.le_connections.get(destination_address)
        ends = {peer, sender_controller}
        if peer is None or connection is None or not ends <= self.controllers:
            return
        if not any(isinstance(end, Part) and end.silent for end in ends):
            asyncio.get_running_loop().call_soon(
                peer.on_link_acl_data, connection.self_address, transport, data
            )

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        """Heard by who listens; a connection is made at once, or not at all."""
        if isinstance(packet, ll.ConnectInd):
            self._connect(sender_controller, packet)
            return
        if sender_controller not in self.controllers:
            return
        for controller in self.controllers - {sender_controller}:
            if isinstance(controller, HubPart) and controller.listens:
                asyncio.get_running_loop().call_soon(controller.on_ll_advertising_pdu, packet)

    def _connect(self, central: Controller, packet: ll.ConnectInd) -> None:
        for controller in self.controllers - {central}:
            controller.on_ll_advertising_pdu(packet)
        peer = self.find_le_controller(packet.advertiser_address)
        if peer is None or packet.initiator_address not in peer.le_connections:
            made = central.le_connections[packet.advertiser_address]
            loop = asyncio.get_running_loop()
            reason = _ERRORS.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
            loop.call_soon(central.on_le_disconnected, made, reason)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        peer = self.find_le_controller(receiver_address)
        if self.find_le_controller(sender_address) is not None and peer is not None:
            asyncio.get_running_loop().call_soon(peer.on_ll_control_pdu, sender_address, packet)


class Part(Controller):
    """A part of Bluetooth 5.0 without extended advertising."""

    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
        | hci.LeFeatureMask.LL_PRIVACY
    )
    le_acl_data_packet_length = _LONGEST_DATA
    supported_max_tx_octets = supported_max_rx_octets = _LONGEST_DATA
    suggested_max_tx_octets = _LONGEST_DATA
    silent = False  # its links stand, and nothing comes through

    def lose(self, connection: Connection) -> None:
        """This end of it sees a supervision timeout."""
        self.on_le_disconnected(connection, _ERRORS.CONNECTION_TIMEOUT_ERROR)

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        """Bumble fails where both ends hang up at once."""
        if self.le_connections.get(connection.peer_address) is connection:
            super().on_le_disconnected(connection, reason)

    def on_link_acl_data(
        self, sender_address: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        """Bumble complains of what comes after the end of a connection."""
        if sender_address in self.le_connections:
            super().on_link_acl_data(sender_address, transport, data)

    def on_ll_control_pdu(self, sender_address: hci.Address, packet: ll.ControlPdu) -> None:
        if sender_address in self.le_connections:
            super().on_ll_control_pdu(sender_address, packet)

    def on_hci_disconnect_command(self, command: hci.HCI_Disconnect_Command) -> None:
        """Bumble tells who hangs up the reason meant for the other end."""
        connection = self.find_le_connection_by_handle(command.connection_handle)
        if connection is None:
            super().on_hci_disconnect_command(command)
            return
        self._send_hci_command_status(_ERRORS.SUCCESS, command.op_code)
        connection.send_ll_control_pdu(ll.TerminateInd(command.reason))
        own_reason = _ERRORS.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR
        self.on_le_disconnected(connection, own_reason)


class ScannableInd(ll.AdvInd):
    """An advertisement, with the scan response that Bumble leaves out."""

    def __init__(self, plain: ll.AdvInd, scan_response: bytes) -> None:
        super().__init__(plain.advertiser_address, plain.data)
        self.scan_response = scan_response


class PodPart(Part):
    """A pod's."""

    deaf = False  # does not hear who connects, as at the edge of its range

    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        if not self.deaf:
            super().on_le_connect_ind(packet)

    def switch_off(self) -> None:
        """Bumble's advertises on when nobody holds it any more."""
        self.le_legacy_advertiser.stop()

    def send_advertising_pdu(self, packet: ll.AdvertisingPdu) -> None:
        if isinstance(packet, ll.AdvInd):
            packet = ScannableInd(packet, self.le_legacy_advertiser.scan_response_data)
        super().send_advertising_pdu(packet)

    def on_hci_le_set_advertising_parameters_command(
        self, command: hci.HCI_LE_Set_Advertising_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Bumble takes the interval for milliseconds."""
        answer = super().on_hci_le_set_advertising_parameters_command(command)
        interval_ms = round(command.advertising_interval_min * _ADVERTISING_UNIT_MS)
        advertiser = self.le_legacy_advertiser
        advertiser.advertising_interval_min = max(interval_ms, _LEAST_ADVERTISING_MS)
        return answer


class HubPart(Part):
    """The one that a hub's kernel drives."""

    filter_accept_list_size = 32

    def __init__(self, air: Air, address: str) -> None:
        """`address` is public. `host` is set by whoever has it."""
        super().__init__("hub", link=air, public_address=address)
        self._air = air
        self._reported: set[tuple[str, int, bytes]] = set()

    @property
    def listens(self) -> bool:
        return self.le_scan_enable or self.pending_le_connection is not None

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        if self.le_scan_enable:
            self._report(pdu.advertiser_address, _REPORTS.EventType.ADV_IND, pdu.data)
            if self.le_scan_type == _ACTIVE_SCAN and isinstance(pdu, ScannableInd):
                kind = _REPORTS.EventType.SCAN_RSP
                self._report(pdu.advertiser_address, kind, pdu.scan_response)
        wanted = self.pending_le_connection
        if wanted is not None and wanted.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report(self, address: hci.Address, kind: int, data: bytes) -> None:
        key = (str(address), kind, data)
        if self.filter_duplicates and key in self._reported:
            return
        self._reported.add(key)
        report = _REPORTS.Report(
            event_type=kind,
            address_type=address.address_type,
            address=address,
            data=data,
            rssi=-50,
        )
        self.send_hci_packet(_REPORTS([report]))

    def on_hci_le_set_scan_enable_command(
        self, command: hci.HCI_LE_Set_Scan_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        self._reported.clear()
        return super().on_hci_le_set_scan_enable_command(command)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Bumble goes on trying, and never tells the host that it gave up."""
        if self.pending_le_connection is None:
            return hci.HCI_StatusReturnParameters(_ERRORS.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        given_up = hci.HCI_LE_Connection_Complete_Event(
            status=_ERRORS.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=0,
            peer_address=hci.Address.ANY,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, given_up)
        return hci.HCI_StatusReturnParameters(_ERRORS.SUCCESS)

    def on_hci_reset_command(
        self, command: hci.HCI_Reset_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Bumble resets nothing. The pods miss a hub that is reset after a while."""
        self.le_scan_enable = False
        self.pending_le_connection = None
        self._air.vanish(self)
        self.le_connections.clear()
        self._air.add_controller(self)
        return super().on_hci_reset_command(command)
