"""The editor of one settings document on one page: what presses do to its author's draft (CFG-1). Draws nothing."""

from dataclasses import dataclass, field, replace
from typing import Any

from clients.console.setting_diff import Changed, compare
from clients.console.setting_faults import Told, faults_of
from clients.console.setting_form import change, pasted, read_form
from clients.console.setting_shapes import Path, Record, record_of
from domain.differences import merged
from domain.errors import BadInput, Refused
from store import settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.reads.watch import is_surge
from store.replay import By
from store.settings_drafts import Draft, SettingDrafts
from store.settings_faults import schema
from store.settings_trial import Trial, try_out
from store.settings_versions import Change, SettingVersions

TEXTS = {
    "saved": "草稿已保存。",
    "saved_faults": "草稿已保存；{n} 处需要修改才能生效。",
    "dropped": "草稿已放弃，回到生效的版本。",
    "active": "第 {version} 版已生效，之后的判断都用它。",
    "queued": "{n} 条等待的消息已重新排队。",
    "fix_first": "还有 {n} 处需要修改：{first}。草稿已保存",
    "pasted": "已换成粘贴的内容，草稿已保存。",
    "rebased": "您的改动已放到第 {version} 版之上，草稿已保存。",
    "tried": "试算完成，结果在下面。",
    "surge": "高峰保护中，试算暂停；高峰过后再试。草稿已保存",
    "add": "已加一行，草稿已保存。",
    "delete": "已删除，草稿已保存。",
    "up": "已上移，草稿已保存。",
    "down": "已下移，草稿已保存。",
    "copy": "已复制一行，草稿已保存。",
    "set": "可以填写了。",
    "unset": "已去掉，草稿已保存。",
    "too_large": "内容太大，没有保存",
}
MOST_BYTES = 500_000


@dataclass
class Editor:
    """A draft as its author sees it: the version that it began from, what was typed, what is wrong with it."""

    database: Database
    ring: KeyRing
    kind: str
    author: str
    shape: Record = field(init=False)
    draft: Draft = field(init=False)
    base: Any = field(init=False)
    active: Any = field(init=False)
    faults: list[Told] = field(default_factory=list)
    trial: Trial | None = None
    drawn: int = 0
    focus: str = ""
    look: str = ""

    def __post_init__(self) -> None:
        self.shape = record_of(schema(self.kind))

    @property
    def begun(self) -> bool:
        """Whether a draft is stored."""
        return self.draft.revision > 0

    @property
    def behind(self) -> bool:
        """Whether another version came in force since the draft was begun."""
        return bool(self.active.version != self.draft.base)

    async def load(self) -> None:
        """Begin from the author's draft, else from the version in force."""
        await self.look_around()
        draft = await SettingDrafts(self.database).of(self.kind, self.author)
        self.draft = draft or Draft(self.kind, self.author, self.active.version, self.body_of(self.active))
        self.base = await SettingVersions(self.database).one(self.kind, self.draft.base)
        self._stands()

    async def look_around(self) -> None:
        """See which version is in force now."""
        self.active = await SettingVersions(self.database).one(self.kind)

    def body_of(self, row: Any) -> dict[str, Any]:
        """Give the whole document of a version."""
        return settings_docs.filled(self.kind, row.body)

    def mine(self) -> list[Changed]:
        """List what the draft changes of the version that it began from."""
        return compare(self.shape, self.body_of(self.base), self.draft.body)

    def theirs(self) -> list[Changed]:
        """List what others have changed since."""
        return compare(self.shape, self.body_of(self.base), self.body_of(self.active))

    async def save(self, given: dict[str, str], by: By) -> str:
        """Keep what was typed, right or wrong."""
        await self._take(given, by)
        return TEXTS["saved_faults"].format(n=len(self.faults)) if self.faults else TEXTS["saved"]

    async def row(self, given: dict[str, str], by: By) -> str:
        """Do what a row's button says."""
        what, path = given.get("what", ""), _path(given.get("path", ""))
        body = read_form(self.shape, self.draft.body, given)
        after = change(self.shape, body, what, path)
        await self._keep(replace(self.draft, body=body), by)
        self.focus = _focus(given.get("focus", ""), path, after) or _button(what, after)
        return TEXTS[what]

    async def paste(self, given: dict[str, str], by: By) -> str:
        """Put a whole document in the place of the draft's."""
        await self._keep(replace(self.draft, body=pasted(given.get("json", ""))), by)
        return TEXTS["pasted"]

    async def rebase(self, given: dict[str, str], by: By) -> str:
        """Put what the author changed on top of the version in force."""
        await self.look_around()
        body = read_form(self.shape, self.draft.body, given)
        both = merged(self.body_of(self.base), body, self.body_of(self.active))
        await self._keep(replace(self.draft, body=both, base=self.active.version), by)
        self.base = self.active
        return TEXTS["rebased"].format(version=self.active.version)

    async def drop(self, _: dict[str, str], __: By) -> str:
        """Forget the draft."""
        await SettingDrafts(self.database).drop(self.draft)
        await self.load()
        return TEXTS["dropped"]

    async def try_out(self, given: dict[str, str], by: By) -> str:
        """Say what the draft would change of the past; BadInput while something is wrong with it."""
        await self._right(given, by)
        async with self.database.transaction() as tx:
            if await is_surge(tx):
                raise Refused("surge", TEXTS["surge"])
        async with self.database.transaction() as tx:
            if await is_surge(tx):
                raise Refused("surge", TEXTS["surge"])
        self.trial = await try_out(self.database, self.kind, self.draft.body, self.ring)
        self.look = "trial"
        return TEXTS["tried"]

    async def activate(self, given: dict[str, str], change_by: Change, by: By) -> str:
        """Put the draft in force; BadInput when something is wrong with it, or somebody was faster."""
        await self._right(given, by)
        versions = SettingVersions(self.database)
        done = await versions.activate(self.kind, self.draft.body, replace(change_by, base=self.draft.base))
        await SettingDrafts(self.database).drop(self.draft)
        await self.load()
        queued = TEXTS["queued"].format(n=done.queued) if done.queued else ""
        return TEXTS["active"].format(version=done.version) + queued

    async def _right(self, given: dict[str, str], by: By) -> None:
        await self._take(given, by)
        if self.faults:
            first = self.faults[0]
            self.look = "faults"
            words = f"{first.place}：{first.words}" if first.place else first.words
            raise BadInput(TEXTS["fix_first"].format(n=len(self.faults), first=words))

    async def _take(self, given: dict[str, str], by: By) -> None:
        body = read_form(self.shape, self.draft.body, given)
        if body == self.draft.body and (self.begun or body == self.body_of(self.base)):
            self._stands()
            return
        await self._keep(replace(self.draft, body=body), by)

    async def _keep(self, draft: Draft, by: By) -> None:
        if len(str(draft.body)) > MOST_BYTES:
            raise BadInput(TEXTS["too_large"])
        revision = await SettingDrafts(self.database).save(draft, by.now)
        self.draft = replace(draft, revision=revision, changed_at=by.now)
        self._stands()

    def _stands(self) -> None:
        """What the browser shows and what is stored are the same again."""
        self.drawn += 1
        self.trial = None
        self.faults = faults_of(self.kind, self.shape, self.draft.body)


def _path(words: str) -> Path:
    return tuple(int(one) if one.isdecimal() and one.isascii() else one for one in words.split(".") if one)


def _focus(entry: str, before: Path, after: Path) -> str:
    """Follow an entry whose row has moved."""
    head = f"f:{'.'.join(map(str, before))}"
    return f"f:{'.'.join(map(str, after))}{entry.removeprefix(head)}" if entry.startswith(head + ".") else ""


def _button(what: str, after: Path) -> str:
    spot = ".".join(map(str, after))
    return f"{what}:{spot}" if what in {"up", "down"} else f"row:{spot}" if what in {"add", "copy"} else f"add:{spot}"
