"""Who issues e-invoices: the vendors of role `invoices`, what each needs, and their classes (FIN-7)."""

from collections.abc import Callable, Mapping

import httpx

from connectors.invoices.nuonuo import NuonuoClerk
from connectors.messengers import Needs
from connectors.outbound import Clock, InvoiceClerk
from domain.shops import Shop

NEEDS: Mapping[str, Needs] = {
    "nuonuo": Needs(
        "https://sdk.nuonuo.com/open/v1/services",
        "appKey",
        "appSecret",
        params={"tax_no": "our taxpayer number (纳税人识别号)", "seller_name": "our name on invoices"},
        sealed_params={"access_token": "the accessToken of this taxpayer, as access_token=@FILE"},
    ),
}
CLERKS: Mapping[str, Callable[[Shop, httpx.AsyncClient, Clock], InvoiceClerk]] = {"nuonuo": NuonuoClerk}
