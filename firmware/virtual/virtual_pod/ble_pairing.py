"""Who may bond with a pod: LE Secure Connections, just works, in the pairing window only."""

from collections.abc import Callable

from bumble import smp
from bumble.device import Device
from bumble.pairing import PairingConfig, PairingDelegate

_ITS_ADDRESS_IS_ITS_IDENTITY = PairingDelegate.KeyDistribution.DISTRIBUTE_ENCRYPTION_KEY


class _Delegate(PairingDelegate):
    def __init__(self, is_open: Callable[[], bool]) -> None:
        super().__init__(
            PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT,
            local_responder_key_distribution=_ITS_ADDRESS_IS_ITS_IDENTITY,
        )
        self._is_open = is_open

    async def accept(self) -> bool:
        return self._is_open()


class _Session(smp.Session):
    """Refuses what is not secure or leaves no bond; a refused central may try again."""

    async def on_smp_pairing_request_command_async(
        self, command: smp.SMP_Pairing_Request_Command
    ) -> None:
        needed = smp.AuthReq.SC | smp.AuthReq.BONDING
        if command.auth_req & needed == needed:
            await super().on_smp_pairing_request_command_async(command)
        else:
            self.send_pairing_failed(smp.ErrorCode.AUTHENTICATION_REQUIREMENTS)

    def on_pairing_failure(self, reason: smp.ErrorCode) -> None:
        super().on_pairing_failure(reason)
        self.manager.on_session_end(self)


def guard_pairing(device: Device, is_open: Callable[[], bool]) -> None:
    """`is_open` tells whether a stranger may bond now."""
    device.smp_session_proxy = _Session
    device.pairing_config_factory = lambda _: PairingConfig(
        sc=True, mitm=False, bonding=True, delegate=_Delegate(is_open)
    )
