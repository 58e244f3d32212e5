/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** A new section of an event: `capacity` or `rows`, exactly one of the two. */
export type AddInventoryInput = {
  /** General admission: how many tickets, 1 to 10,000,000. */
  capacity?: number | null | undefined;
  /** The event. */
  eventId: string;
  /** The price of one ticket; 0 is allowed. All sections of an event have one currency. */
  price: MoneyInput;
  /**
   * Numbered seats, from the front to the back: up to 5,000 rows, 200,000 seats an event. A request has at most 100 KiB: rows that do not fit into
   * it are added with updateSection.
   */
  rows?: Array<SeatRowInput> | null | undefined;
  /** 1 to 100 characters, unique in the event; stored in NFC with single blanks, and compared without case. */
  section: string;
};

/** Gives up a payment that waits for its customer. */
export type CancelPaymentInput = {
  /** 1 to 255 printable ASCII characters; required here or as the Idempotency-Key header. */
  idempotencyKey?: string | null | undefined;
  /** The payment. */
  paymentId: string;
};

/** Cancels a reservation. */
export type CancelReservationInput = {
  /** 1 to 255 printable ASCII characters; required here or as the Idempotency-Key header. */
  idempotencyKey?: string | null | undefined;
  /** Up to 500 characters. */
  reason?: string | null | undefined;
  /** The reservation. */
  reservationId: string;
};

/** A card that the gateway knows. */
export type CardInput = {
  /** A gateway token such as "pm_card_visa", up to 255 characters. A card number is refused and stored nowhere. */
  token: string;
};

/** Continues a payment. */
export type ConfirmPaymentInput = {
  /** 1 to 255 printable ASCII characters; required here or as the Idempotency-Key header. */
  idempotencyKey?: string | null | undefined;
  /** The payment. */
  paymentId: string;
};

/** A new draft. */
export type CreateEventInput = {
  /** Up to 10,000 characters. */
  description?: string | null | undefined;
  /** Optional here: 1 to 255 printable ASCII characters. */
  idempotencyKey?: string | null | undefined;
  /** 1 to 10,000; null for no limit. */
  maxTicketsPerCustomer?: number | null | undefined;
  /** 1 to 100. */
  maxTicketsPerReservation?: number;
  /** 1 to 200 characters. */
  name: string;
  /** 1 to 10: after how many declined payments the reservation is compensated and its seats are free again. */
  paymentAttempts?: number;
  /** When sales close automatically, after `salesOpenAt`; at `startsAt` if it is left out. */
  salesCloseAt?: string | null | undefined;
  /** When sales open automatically. Without it they open with openSales only. */
  salesOpenAt?: string | null | undefined;
  /** When it begins. */
  startsAt: string;
  /** An IANA time zone, such as Europe/Berlin; UTC if it is left out. Mails say times by its clocks. */
  timeZone?: string | null | undefined;
  /** 1 to 200 characters. */
  venue: string;
};

/** Which events to list. All given conditions must hold. */
export type EventFilter = {
  /** Only events of this organizer. Drafts are listed only for the organizer and for admins. */
  organizerId?: string | null | undefined;
  /** Only events with these words in name, venue or description; up to 200 characters. Symbols alone find nothing. */
  search?: string | null | undefined;
  /** Only events that begin at this moment or later. */
  startsAfter?: string | null | undefined;
  /** Only events that begin before this moment. */
  startsBefore?: string | null | undefined;
  /** Only events in this state. */
  status?: EventStatus | null | undefined;
};

/** Names an event. */
export type EventIdInput = {
  /** The event. */
  eventId: string;
};

/** The state of an event. */
export type EventStatus =
  /** Cancelled; all payments are refunded. Visible to all only if it was published before. */
  | 'CANCELLED'
  /** It took place. */
  | 'COMPLETED'
  /** Being prepared: visible to its organizer and to admins. */
  | 'DRAFT'
  /** Visible to all, not on sale yet. */
  | 'PUBLISHED'
  /** Nothing can be reserved now; reservations can still be paid. */
  | 'SALES_CLOSED'
  /** Seats can be reserved. */
  | 'SALES_OPEN';

/** An amount in one currency. More decimal places than the currency has, signs and exponents are INVALID. */
export type MoneyInput = {
  /** The amount in units of the currency, for example "150.00". */
  amount: string;
  /** A current ISO 4217 code in capitals, for example "EUR". */
  currencyCode: string;
};

/**
 * Where PayPal sends the customer: absolute https URLs of up to 2,000 characters, of the shop's own pages (AUTH_BASE_URL's origin and RETURN_ORIGINS);
 * in development also pages of this machine.
 */
export type PayPalInput = {
  /** After the customer cancelled. No money was taken then, and the reservation can be paid in another way at once. */
  cancelUrl: string;
  /** After the customer approved. */
  returnUrl: string;
};

/** How to pay: exactly one of these. */
export type PaymentMethodInput =
  {   /** By card, with a token of the gateway. */
  card: CardInput; paypal?: never; }
  |  { card?: never;   /** With PayPal: the customer approves on the page of `nextAction.redirectUrl`; after that, confirmPayment charges. */
  paypal: PayPalInput; };

/** The state of a payment. */
export type PaymentStatus =
  /** The money was taken. */
  | 'COMPLETED'
  /** No money was taken. */
  | 'FAILED'
  /** Started, not at the gateway yet. */
  | 'INITIATED'
  /** A part of the money was refunded. */
  | 'PARTIALLY_REFUNDED'
  /** At the gateway, which has not decided yet; the outcome follows without a call. */
  | 'PROCESSING'
  /** All of the money was refunded. */
  | 'REFUNDED'
  /** The customer must do something: see `nextAction`. */
  | 'REQUIRES_ACTION';

/** Pays a reservation. */
export type ProcessPaymentInput = {
  /** 1 to 255 printable ASCII characters; required here or as the Idempotency-Key header. */
  idempotencyKey?: string | null | undefined;
  /** How to pay; needed unless the total is 0. */
  method?: PaymentMethodInput | null | undefined;
  /** The reservation. */
  reservationId: string;
};

/** Refunds money of a payment. */
export type RefundPaymentInput = {
  /** The amount; without it, all that is left. Pending refunds count as refunded. */
  amount?: MoneyInput | null | undefined;
  /** 1 to 255 printable ASCII characters; required here or as the Idempotency-Key header. */
  idempotencyKey?: string | null | undefined;
  /** The payment. */
  paymentId: string;
  /** The reason, for the customer, up to 500 characters. */
  reason?: string | null | undefined;
  /**
   * Tickets to refund instead of an amount, tkt_…: their price goes back. Once the gateway has carried it out, they are VOID and their seats are
   * available again; the reservation keeps its other tickets.
   */
  tickets?: Array<string> | null | undefined;
};

/** The state of a refund. */
export type RefundStatus =
  /** The money was refunded. */
  | 'COMPLETED'
  /** The gateway refused it; it can be requested anew, with `retryRefund`. */
  | 'FAILED'
  /** At the gateway, which has not carried it out yet. */
  | 'PENDING';

/** Who a ticket is for. */
export type RenameTicketInput = {
  /** The name of the person that it is for, 1 to 200 characters. */
  holderName: string;
  /** The ticket's id, tkt_…. */
  ticketId: string;
};

/** Where to send a sign-in link. */
export type RequestMagicLinkInput = {
  /** A mail address, up to 254 characters. */
  email: string;
};

/** The state of a reservation. */
export type ReservationStatus =
  /** Cancelled by the customer or with its event; the seats were released. */
  | 'CANCELLED'
  /** The last payment attempt was declined; the seats were released. */
  | 'COMPENSATED'
  /** Paid: the seats are sold to the customer. */
  | 'COMPLETED'
  /** Not paid in time; the seats were released. */
  | 'EXPIRED'
  /** A payment is with the gateway. */
  | 'PAYMENT_PENDING'
  /** Paid, and given back in full by refunds or lost disputes; the seats were released. */
  | 'REFUNDED'
  /** The seats are kept until `expiresAt`, and the reservation can be paid. */
  | 'SEATS_RESERVED';

/** Seats of one section: `quantity` or `seats`, exactly one of the two. */
export type ReserveItemInput = {
  /** How many, 1 or more: the best that are available, next to each other where possible. */
  quantity?: number | null | undefined;
  /** Numbered seats by their labels. */
  seats?: Array<string> | null | undefined;
  /** The section's name. */
  section: string;
};

/** Seats to reserve: all of them or none. */
export type ReserveSeatsInput = {
  /** The event. */
  eventId: string;
  /** 1 to 255 printable ASCII characters; required here or as the Idempotency-Key header. */
  idempotencyKey?: string | null | undefined;
  /** 1 to 100 items. */
  items: Array<ReserveItemInput>;
};

/** What a user may do. */
export type Role =
  /** Everything. */
  | 'ADMIN'
  /** Reserve and pay. Every user has it. */
  | 'CUSTOMER'
  /** Create events and sell tickets for them. */
  | 'ORGANIZER';

/**
 * Where a row is in its section, seen from above. One unit is the distance from a seat of a row to the next; x grows to the right, y from the front to
 * the back. Numbers have at most two decimals.
 */
export type RowLayoutInput = {
  /** By how many degrees the row is turned about its first seat, clockwise, -180 to 180. At 0 it goes to the right, at 90 to the back. */
  rotation?: number;
  /** Where the row's first seat is, -1,000 to 1,000. */
  x: number;
  /** Where the row's first seat is, -1,000 to 1,000. */
  y: number;
};

/** A row of numbered seats. */
export type SeatRowInput = {
  /** The number of the first seat, 1 to 9,999; 1 if it is left out. */
  firstNumber?: number | null | undefined;
  /** Instead of the two: the number of each seat, as many as `seats`. 1 to 10 characters without a hyphen, unique in the row, for example "14A". */
  labels?: Array<string> | null | undefined;
  /**
   * Where the row is, for halls that are not straight; all rows of a section have a layout, or none. Left out in updateSection, a row that exists keeps
   * its layout.
   */
  layout?: RowLayoutInput | null | undefined;
  /** The row's name, 1 to 20 characters, unique in its section. */
  row: string;
  /** How many seats the row has, 1 to 1,000. In updateSection 0 removes the row. */
  seats: number;
  /** From one number to the next, 1 to 100: 2 for 1, 3, 5 …; 1 if it is left out. */
  step?: number | null | undefined;
};

/** Whether a seat can be reserved. */
export type SeatStatus =
  /** It can be reserved. */
  | 'AVAILABLE'
  /** It is not for sale. */
  | 'BLOCKED'
  /** It is in an unpaid reservation. */
  | 'RESERVED'
  /** It is paid. */
  | 'SOLD';

/** Where a guest's mails go. */
export type SetContactInput = {
  /** A mail address, up to 254 characters. */
  email: string;
  /** The name, 1 to 200 characters. */
  name: string;
};

/** The state of a ticket. */
export type TicketStatus =
  /** It can be used. */
  | 'VALID'
  /** It was refunded. */
  | 'VOID';

/** Errors that a customer can act on. All others are GraphQL errors with `extensions.code`. */
export type UserErrorCode =
  /** The gateway can't be reached, and no money was taken: try again. */
  | 'GATEWAY_UNAVAILABLE'
  /** The idempotency key was used before with another input. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** Fewer seats are available than were asked for. */
  | 'INSUFFICIENT_INVENTORY'
  /** A field is out of range, malformed or contradicts another; the section exists already; the event has another currency. */
  | 'INVALID'
  /** The object's state does not allow the action, such as paying a reservation that is completed. */
  | 'INVALID_STATE'
  /** More tickets than one reservation or one customer may have. */
  | 'LIMIT_EXCEEDED'
  /** The sign-in link is unknown, used or expired. */
  | 'LINK_INVALID'
  /** What the input names does not exist. */
  | 'NOT_FOUND'
  /** The customer's bank or the gateway declined the payment. No money was taken. */
  | 'PAYMENT_DECLINED'
  /** Another payment of this reservation is with the gateway. */
  | 'PAYMENT_IN_PROGRESS'
  /** The hold is over; reserve again. */
  | 'RESERVATION_EXPIRED'
  /** The event is not on sale now. */
  | 'SALES_NOT_OPEN'
  /** A named seat is not available or does not exist. */
  | 'SEAT_UNAVAILABLE';

/** The token of a sign-in link. */
export type VerifyMagicLinkInput = {
  /** The token of the mailed link. */
  token: string;
};

export type MoneyFragment = { amount: string, currencyCode: string };

export type UserErrorFragment = { code: UserErrorCode, message: string, field: Array<string> | null };

export type SectionFragment = { id: string, name: string, capacity: number, available: number, reserved: number, sold: number, price: { amount: string, currencyCode: string } };

export type EventSummaryFragment = { id: string, version: number, name: string, venue: string, startsAt: string, timeZone: string, salesOpenAt: string | null, salesCloseAt: string | null, status: EventStatus };

export type EventFragment = { id: string, version: number, inventoryVersion: number, name: string, description: string, venue: string, startsAt: string, timeZone: string, salesOpenAt: string | null, salesCloseAt: string | null, maxTicketsPerReservation: number, maxTicketsPerCustomer: number | null, status: EventStatus, cancellationReason: string | null, sections: Array<{ id: string, name: string, capacity: number, available: number, reserved: number, sold: number, price: { amount: string, currencyCode: string } }> };

export type ReservedSeatFragment = { section: string, label: string | null, price: { amount: string, currencyCode: string } };

export type PaymentFragment = { id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null };

export type ReservationFragment = { id: string, version: number, status: ReservationStatus, createdAt: string, expiresAt: string, completedAt: string | null, seats: Array<{ section: string, label: string | null, price: { amount: string, currencyCode: string } }>, total: { amount: string, currencyCode: string }, payments: Array<{ id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null }> };

export type TicketFragment = { id: string, section: string, label: string | null, holderName: string | null, status: TicketStatus, code: string, price: { amount: string, currencyCode: string } };

export type UserFragment = { id: string, email: string | null, roles: Array<Role>, isGuest: boolean, contact: { name: string, email: string } | null };

export type PageInfoFragment = { hasNextPage: boolean, endCursor: string | null };

export type RequestMagicLinkMutationVariables = Exact<{
  input: RequestMagicLinkInput;
}>;


export type RequestMagicLinkMutation = { requestMagicLink: { token: string | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type VerifyMagicLinkMutationVariables = Exact<{
  input: VerifyMagicLinkInput;
}>;


export type VerifyMagicLinkMutation = { verifyMagicLink: { sessionToken: string | null, expiresAt: string | null, user: { id: string, email: string | null, roles: Array<Role>, isGuest: boolean, contact: { name: string, email: string } | null } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type StartGuestSessionMutationVariables = Exact<{ [key: string]: never; }>;


export type StartGuestSessionMutation = { startGuestSession: { sessionToken: string | null, expiresAt: string | null, user: { id: string, email: string | null, roles: Array<Role>, isGuest: boolean, contact: { name: string, email: string } | null } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type SetContactMutationVariables = Exact<{
  input: SetContactInput;
}>;


export type SetContactMutation = { setContact: { userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type RenewSessionMutationVariables = Exact<{ [key: string]: never; }>;


export type RenewSessionMutation = { renewSession: { sessionToken: string | null, expiresAt: string | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type SignOutMutationVariables = Exact<{ [key: string]: never; }>;


export type SignOutMutation = { signOut: { userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type GetMeQueryVariables = Exact<{ [key: string]: never; }>;


export type GetMeQuery = { me: { id: string, email: string | null, roles: Array<Role>, isGuest: boolean, contact: { name: string, email: string } | null } | null };

export type ListEventsQueryVariables = Exact<{
  filter?: EventFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type ListEventsQuery = { events: { nodes: Array<{ id: string, version: number, name: string, venue: string, startsAt: string, timeZone: string, salesOpenAt: string | null, salesCloseAt: string | null, status: EventStatus }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } | null };

export type GetEventQueryVariables = Exact<{
  id: string;
}>;


export type GetEventQuery = { event: { id: string, version: number, inventoryVersion: number, name: string, description: string, venue: string, startsAt: string, timeZone: string, salesOpenAt: string | null, salesCloseAt: string | null, maxTicketsPerReservation: number, maxTicketsPerCustomer: number | null, status: EventStatus, cancellationReason: string | null, sections: Array<{ id: string, name: string, capacity: number, available: number, reserved: number, sold: number, price: { amount: string, currencyCode: string } }> } | null };

export type GetSeatMapQueryVariables = Exact<{
  eventId: string;
  section: string;
}>;


export type GetSeatMapQuery = { event: { section: { id: string, seatMap: { version: number, rows: Array<{ row: string, labels: Array<string> | null, states: string, layout: { x: number, y: number, rotation: number } | null }> } | null } | null } | null };

export type WatchAvailabilitySubscriptionVariables = Exact<{
  eventId: string;
}>;


export type WatchAvailabilitySubscription = { availability: { id: string, version: number, inventoryVersion: number, name: string, description: string, venue: string, startsAt: string, timeZone: string, salesOpenAt: string | null, salesCloseAt: string | null, maxTicketsPerReservation: number, maxTicketsPerCustomer: number | null, status: EventStatus, cancellationReason: string | null, sections: Array<{ id: string, name: string, capacity: number, available: number, reserved: number, sold: number, price: { amount: string, currencyCode: string } }> } };

export type WatchSeatsSubscriptionVariables = Exact<{
  eventId: string;
  sinceVersion?: number | null | undefined;
}>;


export type WatchSeatsSubscription = { seatChanges: { version: number, reload: Array<string>, changes: Array<{ section: string, label: string, status: SeatStatus }> } };

export type ReserveSeatsMutationVariables = Exact<{
  input: ReserveSeatsInput;
}>;


export type ReserveSeatsMutation = { reserveSeats: { reservation: { id: string, version: number, status: ReservationStatus, createdAt: string, expiresAt: string, completedAt: string | null, seats: Array<{ section: string, label: string | null, price: { amount: string, currencyCode: string } }>, total: { amount: string, currencyCode: string }, payments: Array<{ id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type CancelReservationMutationVariables = Exact<{
  input: CancelReservationInput;
}>;


export type CancelReservationMutation = { cancelReservation: { reservation: { id: string, version: number, status: ReservationStatus, createdAt: string, expiresAt: string, completedAt: string | null, seats: Array<{ section: string, label: string | null, price: { amount: string, currencyCode: string } }>, total: { amount: string, currencyCode: string }, payments: Array<{ id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type GetReservationQueryVariables = Exact<{
  id: string;
}>;


export type GetReservationQuery = { reservation: { id: string, version: number, status: ReservationStatus, createdAt: string, expiresAt: string, completedAt: string | null, seats: Array<{ section: string, label: string | null, price: { amount: string, currencyCode: string } }>, total: { amount: string, currencyCode: string }, payments: Array<{ id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null }> } | null };

export type GetTicketsQueryVariables = Exact<{
  reservationId: string;
}>;


export type GetTicketsQuery = { reservation: { tickets: Array<{ id: string, section: string, label: string | null, holderName: string | null, status: TicketStatus, code: string, price: { amount: string, currencyCode: string } }> } | null };

export type ListMyReservationsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type ListMyReservationsQuery = { me: { reservations: { nodes: Array<{ id: string, version: number, status: ReservationStatus, createdAt: string, expiresAt: string, completedAt: string | null, seats: Array<{ section: string, label: string | null, price: { amount: string, currencyCode: string } }>, total: { amount: string, currencyCode: string }, payments: Array<{ id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null }> }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } | null } | null };

export type RenameTicketMutationVariables = Exact<{
  input: RenameTicketInput;
}>;


export type RenameTicketMutation = { renameTicket: { ticket: { id: string, section: string, label: string | null, holderName: string | null, status: TicketStatus, code: string, price: { amount: string, currencyCode: string } } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type WatchReservationSubscriptionVariables = Exact<{
  id: string;
}>;


export type WatchReservationSubscription = { reservationStatus: { id: string, version: number, status: ReservationStatus, createdAt: string, expiresAt: string, completedAt: string | null, seats: Array<{ section: string, label: string | null, price: { amount: string, currencyCode: string } }>, total: { amount: string, currencyCode: string }, payments: Array<{ id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null }> } };

export type ProcessPaymentMutationVariables = Exact<{
  input: ProcessPaymentInput;
}>;


export type ProcessPaymentMutation = { processPayment: { payment: { id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null } | null, reservation: { id: string, version: number, status: ReservationStatus, createdAt: string, expiresAt: string, completedAt: string | null, seats: Array<{ section: string, label: string | null, price: { amount: string, currencyCode: string } }>, total: { amount: string, currencyCode: string }, payments: Array<{ id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type ConfirmPaymentMutationVariables = Exact<{
  input: ConfirmPaymentInput;
}>;


export type ConfirmPaymentMutation = { confirmPayment: { payment: { id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null } | null, reservation: { id: string, version: number, status: ReservationStatus, createdAt: string, expiresAt: string, completedAt: string | null, seats: Array<{ section: string, label: string | null, price: { amount: string, currencyCode: string } }>, total: { amount: string, currencyCode: string }, payments: Array<{ id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type CancelPaymentMutationVariables = Exact<{
  input: CancelPaymentInput;
}>;


export type CancelPaymentMutation = { cancelPayment: { payment: { id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null } | null, reservation: { id: string, version: number, status: ReservationStatus, createdAt: string, expiresAt: string, completedAt: string | null, seats: Array<{ section: string, label: string | null, price: { amount: string, currencyCode: string } }>, total: { amount: string, currencyCode: string }, payments: Array<{ id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type RefundPaymentMutationVariables = Exact<{
  input: RefundPaymentInput;
}>;


export type RefundPaymentMutation = { refundPayment: { refund: { id: string, status: RefundStatus } | null, payment: { id: string, version: number, status: PaymentStatus, gateway: string, failureReason: string | null, createdAt: string, amount: { amount: string, currencyCode: string }, refunded: { amount: string, currencyCode: string }, nextAction: { clientSecret: string | null, redirectUrl: string | null } | null } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type CreateEventMutationVariables = Exact<{
  input: CreateEventInput;
}>;


export type CreateEventMutation = { createEvent: { event: { id: string, version: number, inventoryVersion: number, name: string, description: string, venue: string, startsAt: string, timeZone: string, salesOpenAt: string | null, salesCloseAt: string | null, maxTicketsPerReservation: number, maxTicketsPerCustomer: number | null, status: EventStatus, cancellationReason: string | null, sections: Array<{ id: string, name: string, capacity: number, available: number, reserved: number, sold: number, price: { amount: string, currencyCode: string } }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type AddInventoryMutationVariables = Exact<{
  input: AddInventoryInput;
}>;


export type AddInventoryMutation = { addInventory: { event: { id: string, version: number, inventoryVersion: number, name: string, description: string, venue: string, startsAt: string, timeZone: string, salesOpenAt: string | null, salesCloseAt: string | null, maxTicketsPerReservation: number, maxTicketsPerCustomer: number | null, status: EventStatus, cancellationReason: string | null, sections: Array<{ id: string, name: string, capacity: number, available: number, reserved: number, sold: number, price: { amount: string, currencyCode: string } }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type PublishEventMutationVariables = Exact<{
  input: EventIdInput;
}>;


export type PublishEventMutation = { publishEvent: { event: { id: string, version: number, inventoryVersion: number, name: string, description: string, venue: string, startsAt: string, timeZone: string, salesOpenAt: string | null, salesCloseAt: string | null, maxTicketsPerReservation: number, maxTicketsPerCustomer: number | null, status: EventStatus, cancellationReason: string | null, sections: Array<{ id: string, name: string, capacity: number, available: number, reserved: number, sold: number, price: { amount: string, currencyCode: string } }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export type OpenSalesMutationVariables = Exact<{
  input: EventIdInput;
}>;


export type OpenSalesMutation = { openSales: { event: { id: string, version: number, inventoryVersion: number, name: string, description: string, venue: string, startsAt: string, timeZone: string, salesOpenAt: string | null, salesCloseAt: string | null, maxTicketsPerReservation: number, maxTicketsPerCustomer: number | null, status: EventStatus, cancellationReason: string | null, sections: Array<{ id: string, name: string, capacity: number, available: number, reserved: number, sold: number, price: { amount: string, currencyCode: string } }> } | null, userErrors: Array<{ code: UserErrorCode, message: string, field: Array<string> | null }> } | null };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const UserErrorFragmentDoc = new TypedDocumentString(`
    fragment UserError on UserError {
  code
  message
  field
}
    `, {"fragmentName":"UserError"}) as unknown as TypedDocumentString<UserErrorFragment, unknown>;
export const EventSummaryFragmentDoc = new TypedDocumentString(`
    fragment EventSummary on Event {
  id
  version
  name
  venue
  startsAt
  timeZone
  salesOpenAt
  salesCloseAt
  status
}
    `, {"fragmentName":"EventSummary"}) as unknown as TypedDocumentString<EventSummaryFragment, unknown>;
export const MoneyFragmentDoc = new TypedDocumentString(`
    fragment Money on Money {
  amount
  currencyCode
}
    `, {"fragmentName":"Money"}) as unknown as TypedDocumentString<MoneyFragment, unknown>;
export const SectionFragmentDoc = new TypedDocumentString(`
    fragment Section on Section {
  id
  name
  price {
    ...Money
  }
  capacity
  available
  reserved
  sold
}
    fragment Money on Money {
  amount
  currencyCode
}`, {"fragmentName":"Section"}) as unknown as TypedDocumentString<SectionFragment, unknown>;
export const EventFragmentDoc = new TypedDocumentString(`
    fragment Event on Event {
  id
  version
  inventoryVersion
  name
  description
  venue
  startsAt
  timeZone
  salesOpenAt
  salesCloseAt
  maxTicketsPerReservation
  maxTicketsPerCustomer
  status
  cancellationReason
  sections {
    ...Section
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment Section on Section {
  id
  name
  price {
    ...Money
  }
  capacity
  available
  reserved
  sold
}`, {"fragmentName":"Event"}) as unknown as TypedDocumentString<EventFragment, unknown>;
export const ReservedSeatFragmentDoc = new TypedDocumentString(`
    fragment ReservedSeat on ReservedSeat {
  section
  label
  price {
    ...Money
  }
}
    fragment Money on Money {
  amount
  currencyCode
}`, {"fragmentName":"ReservedSeat"}) as unknown as TypedDocumentString<ReservedSeatFragment, unknown>;
export const PaymentFragmentDoc = new TypedDocumentString(`
    fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}
    fragment Money on Money {
  amount
  currencyCode
}`, {"fragmentName":"Payment"}) as unknown as TypedDocumentString<PaymentFragment, unknown>;
export const ReservationFragmentDoc = new TypedDocumentString(`
    fragment Reservation on Reservation {
  id
  version
  status
  seats {
    ...ReservedSeat
  }
  total {
    ...Money
  }
  createdAt
  expiresAt
  completedAt
  payments {
    ...Payment
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment ReservedSeat on ReservedSeat {
  section
  label
  price {
    ...Money
  }
}
fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}`, {"fragmentName":"Reservation"}) as unknown as TypedDocumentString<ReservationFragment, unknown>;
export const TicketFragmentDoc = new TypedDocumentString(`
    fragment Ticket on Ticket {
  id
  section
  label
  price {
    ...Money
  }
  holderName
  status
  code
}
    fragment Money on Money {
  amount
  currencyCode
}`, {"fragmentName":"Ticket"}) as unknown as TypedDocumentString<TicketFragment, unknown>;
export const UserFragmentDoc = new TypedDocumentString(`
    fragment User on User {
  id
  email
  roles
  isGuest
  contact {
    name
    email
  }
}
    `, {"fragmentName":"User"}) as unknown as TypedDocumentString<UserFragment, unknown>;
export const PageInfoFragmentDoc = new TypedDocumentString(`
    fragment PageInfo on PageInfo {
  hasNextPage
  endCursor
}
    `, {"fragmentName":"PageInfo"}) as unknown as TypedDocumentString<PageInfoFragment, unknown>;
export const RequestMagicLinkDocument = new TypedDocumentString(`
    mutation RequestMagicLink($input: RequestMagicLinkInput!) {
  requestMagicLink(input: $input) {
    token
    userErrors {
      ...UserError
    }
  }
}
    fragment UserError on UserError {
  code
  message
  field
}`) as unknown as TypedDocumentString<RequestMagicLinkMutation, RequestMagicLinkMutationVariables>;
export const VerifyMagicLinkDocument = new TypedDocumentString(`
    mutation VerifyMagicLink($input: VerifyMagicLinkInput!) {
  verifyMagicLink(input: $input) {
    sessionToken
    expiresAt
    user {
      ...User
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment UserError on UserError {
  code
  message
  field
}
fragment User on User {
  id
  email
  roles
  isGuest
  contact {
    name
    email
  }
}`) as unknown as TypedDocumentString<VerifyMagicLinkMutation, VerifyMagicLinkMutationVariables>;
export const StartGuestSessionDocument = new TypedDocumentString(`
    mutation StartGuestSession {
  startGuestSession {
    sessionToken
    expiresAt
    user {
      ...User
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment UserError on UserError {
  code
  message
  field
}
fragment User on User {
  id
  email
  roles
  isGuest
  contact {
    name
    email
  }
}`) as unknown as TypedDocumentString<StartGuestSessionMutation, StartGuestSessionMutationVariables>;
export const SetContactDocument = new TypedDocumentString(`
    mutation SetContact($input: SetContactInput!) {
  setContact(input: $input) {
    userErrors {
      ...UserError
    }
  }
}
    fragment UserError on UserError {
  code
  message
  field
}`) as unknown as TypedDocumentString<SetContactMutation, SetContactMutationVariables>;
export const RenewSessionDocument = new TypedDocumentString(`
    mutation RenewSession {
  renewSession {
    sessionToken
    expiresAt
    userErrors {
      ...UserError
    }
  }
}
    fragment UserError on UserError {
  code
  message
  field
}`) as unknown as TypedDocumentString<RenewSessionMutation, RenewSessionMutationVariables>;
export const SignOutDocument = new TypedDocumentString(`
    mutation SignOut {
  signOut {
    userErrors {
      ...UserError
    }
  }
}
    fragment UserError on UserError {
  code
  message
  field
}`) as unknown as TypedDocumentString<SignOutMutation, SignOutMutationVariables>;
export const GetMeDocument = new TypedDocumentString(`
    query GetMe {
  me {
    ...User
  }
}
    fragment User on User {
  id
  email
  roles
  isGuest
  contact {
    name
    email
  }
}`) as unknown as TypedDocumentString<GetMeQuery, GetMeQueryVariables>;
export const ListEventsDocument = new TypedDocumentString(`
    query ListEvents($filter: EventFilter, $first: Int, $after: String) {
  events(filter: $filter, first: $first, after: $after) {
    nodes {
      ...EventSummary
    }
    pageInfo {
      ...PageInfo
    }
  }
}
    fragment EventSummary on Event {
  id
  version
  name
  venue
  startsAt
  timeZone
  salesOpenAt
  salesCloseAt
  status
}
fragment PageInfo on PageInfo {
  hasNextPage
  endCursor
}`) as unknown as TypedDocumentString<ListEventsQuery, ListEventsQueryVariables>;
export const GetEventDocument = new TypedDocumentString(`
    query GetEvent($id: ID!) {
  event(id: $id) {
    ...Event
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment Section on Section {
  id
  name
  price {
    ...Money
  }
  capacity
  available
  reserved
  sold
}
fragment Event on Event {
  id
  version
  inventoryVersion
  name
  description
  venue
  startsAt
  timeZone
  salesOpenAt
  salesCloseAt
  maxTicketsPerReservation
  maxTicketsPerCustomer
  status
  cancellationReason
  sections {
    ...Section
  }
}`) as unknown as TypedDocumentString<GetEventQuery, GetEventQueryVariables>;
export const GetSeatMapDocument = new TypedDocumentString(`
    query GetSeatMap($eventId: ID!, $section: String!) {
  event(id: $eventId) {
    section(name: $section) {
      id
      seatMap {
        version
        rows {
          row
          labels
          states
          layout {
            x
            y
            rotation
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<GetSeatMapQuery, GetSeatMapQueryVariables>;
export const WatchAvailabilityDocument = new TypedDocumentString(`
    subscription WatchAvailability($eventId: ID!) {
  availability(eventId: $eventId) {
    ...Event
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment Section on Section {
  id
  name
  price {
    ...Money
  }
  capacity
  available
  reserved
  sold
}
fragment Event on Event {
  id
  version
  inventoryVersion
  name
  description
  venue
  startsAt
  timeZone
  salesOpenAt
  salesCloseAt
  maxTicketsPerReservation
  maxTicketsPerCustomer
  status
  cancellationReason
  sections {
    ...Section
  }
}`) as unknown as TypedDocumentString<WatchAvailabilitySubscription, WatchAvailabilitySubscriptionVariables>;
export const WatchSeatsDocument = new TypedDocumentString(`
    subscription WatchSeats($eventId: ID!, $sinceVersion: Int) {
  seatChanges(eventId: $eventId, sinceVersion: $sinceVersion) {
    version
    changes {
      section
      label
      status
    }
    reload
  }
}
    `) as unknown as TypedDocumentString<WatchSeatsSubscription, WatchSeatsSubscriptionVariables>;
export const ReserveSeatsDocument = new TypedDocumentString(`
    mutation ReserveSeats($input: ReserveSeatsInput!) {
  reserveSeats(input: $input) {
    reservation {
      ...Reservation
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment ReservedSeat on ReservedSeat {
  section
  label
  price {
    ...Money
  }
}
fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}
fragment Reservation on Reservation {
  id
  version
  status
  seats {
    ...ReservedSeat
  }
  total {
    ...Money
  }
  createdAt
  expiresAt
  completedAt
  payments {
    ...Payment
  }
}`) as unknown as TypedDocumentString<ReserveSeatsMutation, ReserveSeatsMutationVariables>;
export const CancelReservationDocument = new TypedDocumentString(`
    mutation CancelReservation($input: CancelReservationInput!) {
  cancelReservation(input: $input) {
    reservation {
      ...Reservation
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment ReservedSeat on ReservedSeat {
  section
  label
  price {
    ...Money
  }
}
fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}
fragment Reservation on Reservation {
  id
  version
  status
  seats {
    ...ReservedSeat
  }
  total {
    ...Money
  }
  createdAt
  expiresAt
  completedAt
  payments {
    ...Payment
  }
}`) as unknown as TypedDocumentString<CancelReservationMutation, CancelReservationMutationVariables>;
export const GetReservationDocument = new TypedDocumentString(`
    query GetReservation($id: ID!) {
  reservation(id: $id) {
    ...Reservation
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment ReservedSeat on ReservedSeat {
  section
  label
  price {
    ...Money
  }
}
fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}
fragment Reservation on Reservation {
  id
  version
  status
  seats {
    ...ReservedSeat
  }
  total {
    ...Money
  }
  createdAt
  expiresAt
  completedAt
  payments {
    ...Payment
  }
}`) as unknown as TypedDocumentString<GetReservationQuery, GetReservationQueryVariables>;
export const GetTicketsDocument = new TypedDocumentString(`
    query GetTickets($reservationId: ID!) {
  reservation(id: $reservationId) {
    tickets {
      ...Ticket
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment Ticket on Ticket {
  id
  section
  label
  price {
    ...Money
  }
  holderName
  status
  code
}`) as unknown as TypedDocumentString<GetTicketsQuery, GetTicketsQueryVariables>;
export const ListMyReservationsDocument = new TypedDocumentString(`
    query ListMyReservations($first: Int, $after: String) {
  me {
    reservations(first: $first, after: $after) {
      nodes {
        ...Reservation
      }
      pageInfo {
        ...PageInfo
      }
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment ReservedSeat on ReservedSeat {
  section
  label
  price {
    ...Money
  }
}
fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}
fragment Reservation on Reservation {
  id
  version
  status
  seats {
    ...ReservedSeat
  }
  total {
    ...Money
  }
  createdAt
  expiresAt
  completedAt
  payments {
    ...Payment
  }
}
fragment PageInfo on PageInfo {
  hasNextPage
  endCursor
}`) as unknown as TypedDocumentString<ListMyReservationsQuery, ListMyReservationsQueryVariables>;
export const RenameTicketDocument = new TypedDocumentString(`
    mutation RenameTicket($input: RenameTicketInput!) {
  renameTicket(input: $input) {
    ticket {
      ...Ticket
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment Ticket on Ticket {
  id
  section
  label
  price {
    ...Money
  }
  holderName
  status
  code
}`) as unknown as TypedDocumentString<RenameTicketMutation, RenameTicketMutationVariables>;
export const WatchReservationDocument = new TypedDocumentString(`
    subscription WatchReservation($id: ID!) {
  reservationStatus(id: $id) {
    ...Reservation
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment ReservedSeat on ReservedSeat {
  section
  label
  price {
    ...Money
  }
}
fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}
fragment Reservation on Reservation {
  id
  version
  status
  seats {
    ...ReservedSeat
  }
  total {
    ...Money
  }
  createdAt
  expiresAt
  completedAt
  payments {
    ...Payment
  }
}`) as unknown as TypedDocumentString<WatchReservationSubscription, WatchReservationSubscriptionVariables>;
export const ProcessPaymentDocument = new TypedDocumentString(`
    mutation ProcessPayment($input: ProcessPaymentInput!) {
  processPayment(input: $input) {
    payment {
      ...Payment
    }
    reservation {
      ...Reservation
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment ReservedSeat on ReservedSeat {
  section
  label
  price {
    ...Money
  }
}
fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}
fragment Reservation on Reservation {
  id
  version
  status
  seats {
    ...ReservedSeat
  }
  total {
    ...Money
  }
  createdAt
  expiresAt
  completedAt
  payments {
    ...Payment
  }
}`) as unknown as TypedDocumentString<ProcessPaymentMutation, ProcessPaymentMutationVariables>;
export const ConfirmPaymentDocument = new TypedDocumentString(`
    mutation ConfirmPayment($input: ConfirmPaymentInput!) {
  confirmPayment(input: $input) {
    payment {
      ...Payment
    }
    reservation {
      ...Reservation
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment ReservedSeat on ReservedSeat {
  section
  label
  price {
    ...Money
  }
}
fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}
fragment Reservation on Reservation {
  id
  version
  status
  seats {
    ...ReservedSeat
  }
  total {
    ...Money
  }
  createdAt
  expiresAt
  completedAt
  payments {
    ...Payment
  }
}`) as unknown as TypedDocumentString<ConfirmPaymentMutation, ConfirmPaymentMutationVariables>;
export const CancelPaymentDocument = new TypedDocumentString(`
    mutation CancelPayment($input: CancelPaymentInput!) {
  cancelPayment(input: $input) {
    payment {
      ...Payment
    }
    reservation {
      ...Reservation
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment ReservedSeat on ReservedSeat {
  section
  label
  price {
    ...Money
  }
}
fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}
fragment Reservation on Reservation {
  id
  version
  status
  seats {
    ...ReservedSeat
  }
  total {
    ...Money
  }
  createdAt
  expiresAt
  completedAt
  payments {
    ...Payment
  }
}`) as unknown as TypedDocumentString<CancelPaymentMutation, CancelPaymentMutationVariables>;
export const RefundPaymentDocument = new TypedDocumentString(`
    mutation RefundPayment($input: RefundPaymentInput!) {
  refundPayment(input: $input) {
    refund {
      id
      status
    }
    payment {
      ...Payment
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment Payment on Payment {
  id
  version
  status
  amount {
    ...Money
  }
  refunded {
    ...Money
  }
  gateway
  failureReason
  nextAction {
    clientSecret
    redirectUrl
  }
  createdAt
}`) as unknown as TypedDocumentString<RefundPaymentMutation, RefundPaymentMutationVariables>;
export const CreateEventDocument = new TypedDocumentString(`
    mutation CreateEvent($input: CreateEventInput!) {
  createEvent(input: $input) {
    event {
      ...Event
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment Section on Section {
  id
  name
  price {
    ...Money
  }
  capacity
  available
  reserved
  sold
}
fragment Event on Event {
  id
  version
  inventoryVersion
  name
  description
  venue
  startsAt
  timeZone
  salesOpenAt
  salesCloseAt
  maxTicketsPerReservation
  maxTicketsPerCustomer
  status
  cancellationReason
  sections {
    ...Section
  }
}`) as unknown as TypedDocumentString<CreateEventMutation, CreateEventMutationVariables>;
export const AddInventoryDocument = new TypedDocumentString(`
    mutation AddInventory($input: AddInventoryInput!) {
  addInventory(input: $input) {
    event {
      ...Event
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment Section on Section {
  id
  name
  price {
    ...Money
  }
  capacity
  available
  reserved
  sold
}
fragment Event on Event {
  id
  version
  inventoryVersion
  name
  description
  venue
  startsAt
  timeZone
  salesOpenAt
  salesCloseAt
  maxTicketsPerReservation
  maxTicketsPerCustomer
  status
  cancellationReason
  sections {
    ...Section
  }
}`) as unknown as TypedDocumentString<AddInventoryMutation, AddInventoryMutationVariables>;
export const PublishEventDocument = new TypedDocumentString(`
    mutation PublishEvent($input: EventIDInput!) {
  publishEvent(input: $input) {
    event {
      ...Event
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment Section on Section {
  id
  name
  price {
    ...Money
  }
  capacity
  available
  reserved
  sold
}
fragment Event on Event {
  id
  version
  inventoryVersion
  name
  description
  venue
  startsAt
  timeZone
  salesOpenAt
  salesCloseAt
  maxTicketsPerReservation
  maxTicketsPerCustomer
  status
  cancellationReason
  sections {
    ...Section
  }
}`) as unknown as TypedDocumentString<PublishEventMutation, PublishEventMutationVariables>;
export const OpenSalesDocument = new TypedDocumentString(`
    mutation OpenSales($input: EventIDInput!) {
  openSales(input: $input) {
    event {
      ...Event
    }
    userErrors {
      ...UserError
    }
  }
}
    fragment Money on Money {
  amount
  currencyCode
}
fragment UserError on UserError {
  code
  message
  field
}
fragment Section on Section {
  id
  name
  price {
    ...Money
  }
  capacity
  available
  reserved
  sold
}
fragment Event on Event {
  id
  version
  inventoryVersion
  name
  description
  venue
  startsAt
  timeZone
  salesOpenAt
  salesCloseAt
  maxTicketsPerReservation
  maxTicketsPerCustomer
  status
  cancellationReason
  sections {
    ...Section
  }
}`) as unknown as TypedDocumentString<OpenSalesMutation, OpenSalesMutationVariables>;