"""The HTTP side of the chat. Each event is also the schema of its answer: API and WebSocket say the same words."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from broadcastkit import MessageSent
from broadcastkit.aio import broadcast
from broadcastkit.events import UserTyping
from examples.chat.live import Live
from examples.chat.schemas import ConversationView, Draft, PersonView, SignedIn, SignIn, Start, Typing
from examples.chat.store import Conversation, Message, Person, Store

__all__ = ["current_user", "router"]

router = APIRouter(prefix="/api", tags=["chat"])
in_conversation = APIRouter(prefix="/conversations/{conversation_id}")
bearer = HTTPBearer(auto_error=False)


# -- who is asking, and what about --------------------------------------------------------------------------------


def chat_store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


ChatStore = Annotated[Store, Depends(chat_store)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


async def current_user(store: ChatStore, credentials: Credentials) -> Person:
    user = store.person_for(credentials.credentials) if credentials else None
    if user is None:
        raise HTTPException(401, "choose who you are", {"WWW-Authenticate": "Bearer"})
    return user


CurrentUser = Annotated[Person, Depends(current_user)]


async def own_conversation(conversation_id: int, user: CurrentUser) -> Conversation:
    # 404 for other people's too: that they talk is nobody's business
    if conversation_id not in user.conversations:
        raise HTTPException(404, "you have no such conversation")
    return user.conversations[conversation_id]


OwnConversation = Annotated[Conversation, Depends(own_conversation)]


# -- the endpoints ------------------------------------------------------------------------------------------------


@router.get("/people", response_model=list[PersonView])
async def people(store: ChatStore) -> list[Person]:
    return list(store.people.values())


@router.post("/session", status_code=201)
async def sign_in(wish: SignIn, store: ChatStore) -> SignedIn:
    """Be someone. There are no passwords here: a real app asks for one, and the rest stays as it is."""
    if wish.person_id not in store.people:
        raise HTTPException(404, "there is no such person")
    return SignedIn(token=store.sign_in(store.people[wish.person_id]))


@router.delete("/session", status_code=204)
async def sign_out(store: ChatStore, credentials: Credentials) -> None:
    if credentials:
        store.sign_out(credentials.credentials)


@router.get("/start")
async def start(request: Request, user: CurrentUser) -> Start:
    """Everything that the page needs to show itself and to connect."""
    live: Live = request.app.state.live
    return Start(
        me=PersonView.model_validate(user),
        conversations=[_conversation_view(conversation, user) for conversation in user.conversations.values()],
        live=live.page_settings(str(request.base_url)),
    )


def _conversation_view(conversation: Conversation, user: Person) -> ConversationView:
    return ConversationView(
        id=conversation.id,
        person=PersonView.model_validate(conversation.other(user)),
        messages=[MessageSent(message) for message in conversation.messages],
    )


@in_conversation.get("/messages", response_model=list[MessageSent])
async def history(conversation: OwnConversation) -> list[Message]:
    return list(conversation.messages)


@in_conversation.post("/messages", status_code=201)
async def send(draft: Draft, user: CurrentUser, conversation: OwnConversation, store: ChatStore) -> MessageSent:
    event = MessageSent(store.add_message(conversation, user, draft.content))
    await broadcast(event).to_others()
    return event


@in_conversation.post("/typing", status_code=204)
async def typing(state: Typing, user: CurrentUser, conversation: OwnConversation) -> None:
    event = UserTyping(user_id=user.id, user_name=user.name, typing=state.typing, conversation_id=conversation.id)
    await broadcast(event).to_others()


router.include_router(in_conversation)
