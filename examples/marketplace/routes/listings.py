"""What is for sale: everybody who has signed in sees it, sellers add to it."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from examples.marketplace.limits import RateLimits, count
from examples.marketplace.models import Listing
from examples.marketplace.rules import LARGEST_ID
from examples.marketplace.schemas import ListingDraft, ListingPage, ListingView, plain
from examples.marketplace.tokens import OwnRequest, only_sellers

__all__ = ["Before", "Listings", "PageSize"]

Before = Annotated[int | None, QueryParameter(ge=1, le=LARGEST_ID)]
PageSize = Annotated[int, QueryParameter(ge=1, le=100)]


class Listings(Controller):
    path = "/api/listings"

    @get("/")
    async def newest(
        self,
        db: NamedDependency[AsyncSession],
        q: Annotated[str, QueryParameter(max_length=100)] = "",
        before: Before = None,
        limit: PageSize = 24,
    ) -> ListingPage:
        wanted = select(Listing).order_by(Listing.id.desc()).limit(limit)
        if words := plain(q):
            wanted = wanted.where(Listing.title.icontains(words, autoescape=True))
        if before is not None:
            wanted = wanted.where(Listing.id < before)
        found = [ListingView.model_validate(listing) for listing in await db.scalars(wanted)]
        return ListingPage(data=found, next_before=found[-1].id if len(found) == limit else None)

    @get("/{listing_id:int}")
    async def one(self, db: NamedDependency[AsyncSession], listing_id: FromPath[int]) -> ListingView:
        listing = await db.get(Listing, listing_id) if 0 < listing_id <= LARGEST_ID else None
        if listing is None:
            raise NotFoundException("There is no such listing.")
        return ListingView.model_validate(listing)

    @post("/", guards=[only_sellers])
    async def add(
        self,
        request: OwnRequest,
        data: JSONBody[ListingDraft],
        db: NamedDependency[AsyncSession],
        limits: NamedDependency[RateLimits],
    ) -> ListingView:
        await count(limits.writing, request.user.id)
        listing = Listing(**data.model_dump(), seller_id=request.user.id)
        db.add(listing)
        await db.commit()
        await db.refresh(listing)
        return ListingView.model_validate(listing)
