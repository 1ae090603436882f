"""Programs that use Flipt's official clients, run in processes of their own: one of them may abort its process."""
