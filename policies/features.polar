# Words that the rules of families share. Nothing in this file grants or refuses by itself.

# feature(action, resource, name): the feature that an action of a family belongs to. What is not listed is for staff only.
feature("open", _: Portal, "basics");
feature("view", _: Profile, "basics");
feature("update", _: Profile, "basics");
feature("view", _: Calendar, "calendar");
feature("subscribe", _: Calendar, "calendar");
feature("view", _: Appointment, "calendar");
feature("request", _: Appointment, "scheduling");
feature("cancel", _: Appointment, "scheduling");
feature("reschedule", _: Appointment, "scheduling");
feature("remind", _: Appointment, "reminders");
feature("view", _: Invoice, "invoices");
feature("print", _: Invoice, "invoices");
feature("pay", _: Invoice, "payments");
feature("view", _: Payment, "payments");
feature("view", _: Document, "documents");
feature("download", _: Document, "documents");
feature("upload", _: Document, "documents");
feature("sign", _: Document, "documents");
feature("view", _: Form, "forms");
feature("complete", _: Form, "forms");
feature("sign", _: Form, "forms");
feature("view", _: Thread, "messages");
feature("start", _: Thread, "messages");
feature("send", _: Thread, "messages");
feature("send", _: OwnerEmail, "owner_email");
feature("view", _: ServicePlan, "service_plan");
feature("print", _: ServicePlan, "service_plan");

# everyday(action, resource): what is no one person's own: it is the same for the client and for those who care for the client.
everyday("open", _: Portal);
everyday("view", _: Profile);
everyday("update", _: Profile);
everyday("view", _: Calendar);
everyday("subscribe", _: Calendar);
everyday("view", _: Appointment);
everyday("request", _: Appointment);
everyday("cancel", _: Appointment);
everyday("reschedule", _: Appointment);
everyday("remind", _: Appointment);
everyday("view", _: Document);
everyday("download", _: Document);
everyday("upload", _: Document);
everyday("sign", _: Document);
everyday("view", _: Thread);
everyday("start", _: Thread);
everyday("send", _: Thread);
everyday("send", _: OwnerEmail);

# personal(action, resource, whose): what is some person's own: the addressee's, the payer's, the filler's.
personal("view", invoice: Invoice, whose) if whose = invoice.addressee;
personal("print", invoice: Invoice, whose) if whose = invoice.addressee;
personal("pay", invoice: Invoice, whose) if whose = invoice.addressee;
personal("view", payment: Payment, whose) if whose = payment.payer;
personal("view", form: Form, whose) if whose = form.filler;
personal("complete", form: Form, whose) if whose = form.filler;
personal("sign", form: Form, whose) if whose = form.filler;

# client_may: everything but the service plan, personal things when they are one's own, the client's or nobody's.
client_may(action, resource) if everyday(action, resource);
client_may(action, resource) if personal(action, resource, whose) and whose in ["me", "client", "nobody"];

# carer_may: the same, but personal things only when they are one's own or nobody's.
carer_may(action, resource) if everyday(action, resource);
carer_may(action, resource) if personal(action, resource, whose) and whose in ["me", "nobody"];

# payer_may: the calendar, and the invoices addressed to oneself. No profile, no payment history.
payer_may("open", _: Portal);
payer_may("view", _: Calendar);
payer_may("subscribe", _: Calendar);
payer_may("view", _: Appointment);
payer_may("remind", _: Appointment);
payer_may("view", invoice: Invoice) if invoice.addressee = "me";
payer_may("print", invoice: Invoice) if invoice.addressee = "me";
payer_may("pay", invoice: Invoice) if invoice.addressee = "me";

# reads_plan: what anyone at home does with a service plan.
reads_plan("view", _: ServicePlan);
reads_plan("print", _: ServicePlan);

# existing(action, resource): actions on an item that is already there, in contrast to an upload, a request, or the start of a thread.
existing("view", _: Appointment);
existing("cancel", _: Appointment);
existing("reschedule", _: Appointment);
existing("remind", _: Appointment);
existing(_action, _: Invoice);
existing(_action, _: Payment);
existing("view", _: Document);
existing("download", _: Document);
existing("sign", _: Document);
existing(_action, _: Form);
existing("view", _: Thread);
existing("send", _: Thread);
existing(_action, _: ServicePlan);
